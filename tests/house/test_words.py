"""What no file of ours says: whose machine, which registry, what is left to do."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.house.source import ROOT, tracked

# Written in halves, so that this file does not say them itself.
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "deb." + "debian.org",
    "crates" + ".io",
    "proxy.go" + "lang.org",
    "--index" + "-url ",
    "--find" + "-links ",
]
MACHINE = re.compile(r"(?<![\w.~-])/(home|Users|root|work|opt|mnt)/[\w.-]+")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")


def texts() -> Iterator[tuple[str, str]]:
    """Yield every tracked file that is text."""
    for path in tracked():
        try:
            yield path, (ROOT / path).read_text()
        except UnicodeDecodeError:
            continue


def said(text: str) -> list[str]:
    """List what a text should not say."""
    found = [host for host in REGISTRIES if host in text]
    found += [m[0] for m in MACHINE.finditer(text)]
    return found + [m[0] for m in UNFINISHED.finditer(text)]


def test_no_file_names_a_registry_a_machine_or_work_undone() -> None:
    assert {path: found for path, text in texts() if (found := said(text))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "from https://" + REGISTRIES[0] + "/simple",
        "resolved: https://registry." + REGISTRIES[2],
        "see /ho" + "me/ann/kotally",
        "'/ro" + "ot/.cache'",
        "# TO" + "DO: later",
    ],
)
def test_a_word_that_should_not_be_said_is_caught(text: str) -> None:
    assert said(text)


@pytest.mark.parametrize("text", ["https://example.com/home/", "src/work/loop.py", "~/work/a"])
def test_an_innocent_path_is_let_through(text: str) -> None:
    assert said(text) == []
