"""What is installed is what was locked, on every machine."""

from __future__ import annotations

import re
import tomllib

import pytest

import kotally
from tests.house.source import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)[^\n]*", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    """Map each locked package to its version."""
    return {m["name"]: m["version"] for m in PIN.finditer((ROOT / lock).read_text())}


def unhashed(text: str) -> list[str]:
    """List the packages that any file of that name would satisfy."""
    blocks = re.split(r"\n(?=\w)", text)
    return [b.split("==")[0] for b in blocks if "==" in b and "--hash=sha256:" not in b]


def wanted(group: str) -> set[str]:
    """Name what a dependency group asks for."""
    names: set[str] = set()
    for item in PROJECT["dependency-groups"][group]:
        names |= wanted(item["include-group"]) if isinstance(item, dict) else {name(item)}
    return names


def name(requirement: str) -> str:
    """Cut a requirement down to its package."""
    return re.split(r"[^\w.-]", requirement)[0]


RUNTIME = {name(r) for r in PROJECT["project"]["dependencies"]}


@pytest.mark.parametrize(
    ("lock", "names"),
    [
        ("requirements.txt", RUNTIME | wanted("build")),
        ("requirements-dev.txt", RUNTIME | wanted("dev")),
        ("requirements-bootstrap.txt", wanted("bootstrap")),
    ],
)
def test_every_dependency_is_locked_by_hash(lock: str, names: set[str]) -> None:
    assert names - pins(lock).keys() == set()
    assert unhashed((ROOT / lock).read_text()) == []


def test_developers_run_what_users_run() -> None:
    runtime = pins("requirements.txt")

    assert runtime.items() <= pins("requirements-dev.txt").items()


def test_a_package_without_a_hash_is_caught() -> None:
    assert unhashed("a==1 \\\n    --hash=sha256:0\nb==2\n    # via a\n") == ["b"]


def test_the_package_and_the_project_have_one_version() -> None:
    assert PROJECT["project"]["version"] == kotally.__version__
