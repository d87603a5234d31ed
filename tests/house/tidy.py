"""Rules of size and shape: what keeps a file readable in one go."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import PurePosixPath

from tests.house.source import WHOLE_FILE, Finding, Module, Text

FUNCTION_LINES = 50
MODULE_LINES = 300
TEST_MODULE_LINES = 500  # cases and expectations are read one at a time
SQL_LINES = 80
TEMPLATE_LINES = 120
POSITIONAL = 3

BANNED_MODULES = {"utils", "helpers", "manager", "service", "common", "misc", "base"}
BANNED_PARAMETERS = {"data", "info", "tmp"}

# Domain packages count in integers: what a float rounds away is somebody's credit.
INTEGER_PACKAGES = (
    "ledger/",
    "workspaces/",
    "products/",
    "memberships/",
    "bookings/",
    "payments/",
)

SQL_OBJECT = re.compile(
    r"create (?:or replace )?(?:function|procedure|view) +([\w.]+)", re.IGNORECASE
)

NOQA = re.compile(r"#\s*noqa\b(?!: [A-Z]+\d+(, ?[A-Z]+\d+)* +(-|#) *\S.{9,})", re.IGNORECASE)
TYPE_IGNORE = re.compile(r"#\s*(type|pyright):\s*ignore\b(?!\[[\w, -]+\] +(-|#) *\S.{9,})")
PRAGMA = re.compile(r"#\s*pragma:\s*no (cover|branch)\b(?! *(-|#) *\S.{9,})")
SWITCH = re.compile(r"#\s*(ruff:\s*noqa|pyright:\s*(basic|strict|standard)|mypy:|fmt:\s*off)")


def long_functions(modules: Iterable[Module]) -> Iterator[Finding]:
    """Functions of more lines than one screen; the docstring does not count."""
    for module in modules:
        for function in module.functions():
            first = function.body[0]
            lines = (function.end_lineno or 0) - function.lineno + 1
            if ast.get_docstring(function, clean=False) is not None:
                lines -= (first.end_lineno or 0) - first.lineno + 1
            if lines > FUNCTION_LINES:
                said = f"{function.name} has {lines} lines, {FUNCTION_LINES} at most"
                yield module.find(function, "function-length", said)


def long_modules(modules: Iterable[Module]) -> Iterator[Finding]:
    """Modules that hold more than one idea."""
    for module in modules:
        limit = TEST_MODULE_LINES if module.path.startswith("tests/") else MODULE_LINES
        lines = module.text.count("\n")
        if lines > limit:
            said = f"{lines} lines, {limit} at most"
            yield module.find(WHOLE_FILE, "module-length", said)


def positional_parameters(modules: Iterable[Module]) -> Iterator[Finding]:
    """Calls in which the reader must count commas."""
    for module in modules:
        for function in module.functions():
            names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
            if names[:1] in (["self"], ["cls"]):
                del names[0]
            if len(names) > POSITIONAL:
                said = f"{function.name} takes {len(names)} by position, {POSITIONAL} at most"
                yield module.find(function, "positional", said)


def module_names(modules: Iterable[Module]) -> Iterator[Finding]:
    """Names under which anything could be found."""
    for module in modules:
        path = PurePosixPath(module.path)
        for part in (*path.parent.parts, path.stem):
            if part in BANNED_MODULES:
                yield module.find(WHOLE_FILE, "module-name", f"{part} names nothing")


def parameter_names(modules: Iterable[Module]) -> Iterator[Finding]:
    """Parameters that do not say what they are."""
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.arg) and node.arg in BANNED_PARAMETERS:
                yield module.find(node, "parameter-name", f"{node.arg} says nothing")


def floats(modules: Iterable[Module]) -> Iterator[Finding]:
    """Numbers with a fraction where credits and money are counted."""
    for module in modules:
        if not module.name.startswith(INTEGER_PACKAGES):
            continue
        for node in ast.walk(module.tree):
            is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            is_name = isinstance(node, ast.Name) and node.id in {"float", "Decimal"}
            is_division = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
            if is_literal or is_name or is_division:
                yield module.find(node, "integers", "the domain counts in integers")


def silent_escapes(modules: Iterable[Module]) -> Iterator[Finding]:
    """Silenced checks that do not name their rule and a reason: `# noqa: S608 - reason`."""
    for module in modules:
        for line, comment in module.comments():
            for pattern in (NOQA, TYPE_IGNORE, PRAGMA, SWITCH):
                if pattern.search(comment):
                    said = f"{comment.strip()!r} needs one rule and a reason: # noqa: X1 - why"
                    yield module.find(line, "silence", said)


def long_sql(files: Iterable[Text]) -> Iterator[Finding]:
    """Functions and views of more lines than one screen; comment lines do not count."""
    for file in files:
        starts = [m.start() for m in SQL_OBJECT.finditer(file.text)]
        for start, end in pairwise([*starts, len(file.text)]):
            body = file.text[start:end].rstrip().splitlines()
            lines = sum(not line.lstrip().startswith("--") for line in body)
            if lines > SQL_LINES:
                match = SQL_OBJECT.match(file.text, start)
                name = match[1] if match else "it"
                said = f"{name} has {lines} lines, {SQL_LINES} at most"
                yield Finding(file.path, file.text.count("\n", 0, start) + 1, "sql-length", said)


def long_templates(files: Iterable[Text]) -> Iterator[Finding]:
    """Templates that should be cut into fragments."""
    for file in files:
        lines = file.text.count("\n")
        if lines > TEMPLATE_LINES:
            said = f"{lines} lines, {TEMPLATE_LINES} at most"
            yield Finding(file.path, WHOLE_FILE, "template-length", said)
