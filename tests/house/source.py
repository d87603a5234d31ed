"""What the house rules read: the project's own files, and the escapes written in them."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

# An exception to a rule stands where it is made and says why:
#     # house: <rule>: <reason>
# on the line found, or, for a rule about the whole file, anywhere in it.
ESCAPE = re.compile(r"(?:#|--|\{#) *house: *(?P<rule>[a-z-]+)(?:: *(?P<reason>.*))?")
REASON_LENGTH = 10
WHOLE_FILE = 0


class Finding(NamedTuple):
    """One place where a rule is broken; line 0 means the file as a whole."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message} [{self.rule}]"


class Module(NamedTuple):
    """A Python file, parsed."""

    path: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The path inside the package: `ledger/lots.py`."""
        return self.path.removeprefix("src/kotally/")

    def find(self, node: ast.AST | int, rule: str, message: str) -> Finding:
        """Make a finding at a node or line of this module."""
        line = node if isinstance(node, int) else getattr(node, "lineno", WHOLE_FILE)
        return Finding(self.path, line, rule, message)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield every function and method, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def comments(self) -> Iterator[tuple[int, str]]:
        """Yield line and text of every comment."""
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


class Text(NamedTuple):
    """Any other file: SQL, a template, a page of the docs."""

    path: str
    text: str


def module(path: str, text: str) -> Module:
    """Parse one Python file."""
    return Module(path, text, ast.parse(text, path))


def sample(text: str, path: str = "src/kotally/ledger/sample.py") -> list[Module]:
    """Make what a rule reads out of a few lines, to see that the rule can fail."""
    return [module(path, text)]


@cache
def tracked() -> tuple[str, ...]:
    """List the files that git knows or would add, and that are there."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return tuple(sorted(p for p in listing.stdout.split("\0") if p and (ROOT / p).is_file()))


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Parse the Python files below the folders."""
    return tuple(
        module(path, (ROOT / path).read_text())
        for path in tracked()
        if path.endswith(".py") and path.startswith(folders)
    )


@cache
def texts(folder: str, suffix: str) -> tuple[Text, ...]:
    """Read the files below a folder with this ending."""
    return tuple(
        Text(path, (ROOT / path).read_text())
        for path in tracked()
        if path.endswith(suffix) and path.startswith(folder)
    )


def is_reason(text: str | None) -> bool:
    """Tell whether an escape's reason says anything."""
    return text is not None and len(text.strip(" #-:*/}")) >= REASON_LENGTH


def judged(rule: str, files: Iterable[Module | Text], found: Iterable[Finding]) -> list[str]:
    """
    Drop what the files excuse, and add escapes that excuse nothing or give no reason.

    An escape that is no longer needed would hide the next mistake on its line.
    """
    open_findings = {(f.path, f.line): f for f in found}
    extra: list[Finding] = []
    for file in files:
        for number, reason in _escapes(rule, file):
            keys = [(file.path, number), (file.path, WHOLE_FILE)]
            used = [key for key in keys if open_findings.pop(key, None)]
            if not used:
                extra.append(Finding(file.path, number, rule, "this escape excuses nothing"))
            elif not is_reason(reason):
                extra.append(Finding(file.path, number, rule, "this escape gives no reason"))
    return [str(f) for f in sorted([*open_findings.values(), *extra])]


def _escapes(rule: str, file: Module | Text) -> Iterator[tuple[int, str | None]]:
    numbered = (
        file.comments() if isinstance(file, Module) else enumerate(file.text.splitlines(), start=1)
    )
    for number, line in numbered:
        for match in ESCAPE.finditer(line):
            if match["rule"] == rule:
                yield number, match["reason"]
