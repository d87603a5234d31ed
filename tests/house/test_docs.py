"""The docs are there, short, and mention only what exists."""

from __future__ import annotations

import re

import pytest

from tests.house.source import ROOT, Text, texts

DECISION_LINES = 60
REQUIRED = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"]

TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
MENTION = re.compile(r"(?:^|`|\$ )make ((?:[a-z][a-z-]* ?)+)(?=$|`|\s|#)", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)#\s]+)(?:#[^)]*)?\)")
VERSION = re.compile(r"## \[(Unreleased|\d+\.\d+\.\d+)\]( - \d{4}-\d\d-\d\d)?")
GROUPS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def pages() -> list[Text]:
    """Read every page of the docs."""
    return list(texts("", ".md"))


def strange_targets(text: str, makefile: str) -> set[str]:
    """Name the make targets that a page promises and the Makefile lacks."""
    mentioned = {word for m in MENTION.finditer(text) for word in m[1].split()}
    return mentioned - set(TARGET.findall(makefile))


def broken_links(page: Text) -> list[str]:
    """List the links to files that are not there."""
    folder = (ROOT / page.path).parent
    targets = [m["target"] for m in LINK.finditer(page.text)]
    return [
        t
        for t in targets
        if "://" not in t and ":" not in t and not (folder / t).resolve().exists()
    ]


def changelog_faults(text: str) -> list[str]:
    """List what is not in the form of Keep a Changelog."""
    versions = re.findall(r"^## .*", text, re.MULTILINE)
    numbers = [
        tuple(map(int, v.split("."))) for v in re.findall(r"^## \[(\d[\d.]*)", text, re.MULTILINE)
    ]
    groups = re.findall(r"^### (.*)", text, re.MULTILINE)
    entries = re.findall(r"^- (.*(?:\n  .*)*)", text, re.MULTILINE)

    faults = [] if text.startswith("# Changelog\n") else ["begins with '# Changelog'"]
    faults += [f"{v}: not a version and date" for v in versions if not VERSION.fullmatch(v)]
    faults += [] if numbers == sorted(numbers, reverse=True) else ["newest first"]
    faults += [f"### {g}: unknown group" for g in groups if g not in GROUPS]
    faults += [f"{e}: a sentence ends with a full stop" for e in entries if e.strip()[-1] != "."]
    return faults if versions else [*faults, "has no version"]


@pytest.mark.parametrize("path", REQUIRED)
def test_every_project_needs_these(path: str) -> None:
    assert (ROOT / path).read_text().strip()


def test_a_decision_is_short_and_has_a_title() -> None:
    decisions = texts("docs/decisions/", ".md")

    assert [d.path for d in decisions if d.text.count("\n") > DECISION_LINES] == []
    assert [d.path for d in decisions if not d.text.startswith("# ")] == []


def test_the_docs_promise_only_make_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    strange = {page.path: strange_targets(page.text, makefile) for page in pages()}

    assert {path: found for path, found in strange.items() if found} == {}


def test_a_target_that_does_not_exist_is_caught() -> None:
    assert strange_targets("Run `make fly`.\n\n    make test\n", "test: a\n") == {"fly"}
    assert strange_targets("$ make check test", "check:\ntest:\n") == set()


def test_links_lead_somewhere() -> None:
    broken = {page.path: broken_links(page) for page in pages()}

    assert {path: found for path, found in broken.items() if found} == {}


def test_a_broken_link_is_caught() -> None:
    text = "[a](nowhere.md) [b](../LICENSE#start) [c](https://example.com/x)"

    assert broken_links(Text("docs/a.md", text)) == ["nowhere.md"]


def test_the_changelog_keeps_its_form() -> None:
    assert changelog_faults((ROOT / "CHANGELOG.md").read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "# Changes\n## [Unreleased]\n",
        "# Changelog\n",
        "# Changelog\n## 1.0\n",
        "# Changelog\n## [0.1.0] - 2026-01-01\n## [0.2.0] - 2026-02-01\n",
        "# Changelog\n## [Unreleased]\n### News\n",
        "# Changelog\n## [Unreleased]\n### Added\n- half a sentence\n",
    ],
)
def test_a_changelog_out_of_form_is_caught(text: str) -> None:
    assert changelog_faults(text)
