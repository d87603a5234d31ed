"""The wall between locations, and how SQL is written: rules over every statement we send."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.house.source import Finding, Module, Text

CREATE_TABLE = re.compile(
    r"create table (?:if not exists )?(?P<name>[\w.]+) *\(\s*(?:--[^\n]*\n\s*)*(?P<first>\w+)",
)
ESCAPE = re.compile(r"--\s*all locations:(?P<reason>[^\n]*)")
REASON_LENGTH = 10

# Words after which a table is read or written, rather than named as a type.
TOUCH = r"(?:from|join|into|update|using|truncate|table|only|,)\s+(?:only\s+)?"
VERB = re.compile(r"\b(select|insert|update|delete|merge|copy|truncate)\b")
# The column compared, alone or in a row, or joined by name; to return it is not to ask for it.
PREDICATE = re.compile(
    r"\b(where|on|and|when)\b[^;]*?("
    r"\blocation_id\s*(=|in\b|is\b)|=\s*(\w+\.)*location_id\b"
    r"|\([^()]*\blocation_id\b[^()]*\)\s*(=|in\b))"
    r"|\busing\s*\([^()]*\blocation_id\b"
)
INSERT_COLUMNS = re.compile(r"insert into\s+[\w.]+(?:\s+as\s+\w+)?\s*\([^)]*\blocation_id\b")
VIEW = re.compile(r"\s*create (or replace )?view\b")
STRING = re.compile(r"'(?:[^']|'')*'")
COMMENT = re.compile(r"--[^\n]*")
SHOUTING = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|JOIN|CREATE|RETURNING|VALUES|BEGIN|END|RETURNS)\b"
)
PARAMETERS = re.compile(r"create or replace (?:function|procedure) [\w.]+ *\((?P<list>[^)]*)\)")

# What would make behaviour invisible, tie us to one node, or ask another clock.
BANNED_SQL = {
    r"\bcreate (or replace )?(constraint )?trigger\b": "behaviour is called by name",
    r"\bcreate (or replace )?rule\b": "behaviour is called by name",
    r"\b(initially deferred|deferrable)\b": "a cluster checks no deferred constraint",
    r"\bcreate sequence\b": "ids are made by the caller",
    r"\b(small|big)?serial\b": "ids are made by the caller",
    r"\bgenerated (always|by default) as identity\b": "ids are made by the caller",
    r"\bcreate extension\b": "plain PostgreSQL suffices",
    r"\bon (delete|update) (cascade|set)\b": "what is deleted is deleted by name",
    r"\b(public|\"public\")\.": "everything is in the schema kotally",
}


class Tables(NamedTuple):
    """What the migrations create: every table, and those behind the wall."""

    all: frozenset[str]
    walled: frozenset[str]


class Statement(NamedTuple):
    """One statement as found, and without comments and string literals."""

    path: str
    line: int
    text: str
    bare: str


def tables(migrations: Iterable[Text]) -> Tables:
    """Read the tables from the migrations; behind the wall is what location_id leads."""
    found = [m for file in migrations for m in CREATE_TABLE.finditer(file.text)]
    named = {m["name"].removeprefix("kotally."): m["first"] for m in found}
    walled = {name for name, first in named.items() if first == "location_id"}
    return Tables(frozenset(named), frozenset(walled))


def from_sql(files: Iterable[Text]) -> Iterator[Statement]:
    """Cut SQL files into statements; a comment above belongs to what follows it."""
    for file in files:
        yield from _cut(file.path, 1, file.text)


def from_python(modules: Iterable[Module]) -> Iterator[Statement]:
    """Find the SQL in Python strings, f-strings included; docstrings are prose."""
    for module in modules:
        prose = _docstrings(module.tree)
        inner: set[int] = set()
        for node in ast.walk(module.tree):
            text = _string(node)
            if text is None or id(node) in prose or id(node) in inner:
                continue
            inner.update(id(child) for child in ast.walk(node))
            if VERB.search(text) and "kotally." in text:
                yield from _cut(module.path, getattr(node, "lineno", 0), text)


def across_the_wall(statements: Iterable[Statement], known: Tables) -> Iterator[Finding]:
    """Statements on a walled table that do not say which location, nor why all."""
    touch = re.compile(rf"\b{TOUCH}kotally\.({'|'.join(sorted(known.walled)) or 'none'})\b")
    for statement in statements:
        touched = touch.search(statement.bare)
        if not touched or not VERB.search(statement.bare):
            continue
        escape = ESCAPE.search(statement.text)
        said = None
        if escape and len(escape["reason"].strip()) < REASON_LENGTH:
            said = "-- all locations: needs a reason"
        elif not escape and not _names_location(statement.bare):
            said = f"kotally.{touched[1]} is used without its location_id"
        elif escape and _names_location(statement.bare):
            said = "-- all locations: is not needed, the statement names its location"
        if said:
            yield Finding(statement.path, statement.line, "wall", said)


def unqualified(statements: Iterable[Statement], known: Tables) -> Iterator[Finding]:
    """Tables named without their schema, which another search path would find elsewhere."""
    touch = re.compile(
        rf"\b(?:from|join|into|update)\s+({'|'.join(sorted(known.all)) or 'none'})\b"
    )
    for statement in statements:
        for match in touch.finditer(statement.bare):
            is_named_here = re.search(
                rf"\b{match[1]}\b[^;]{{0,60}}?\bas\s*\S*\s*\(", statement.bare
            )
            if not is_named_here and not statement.bare[match.end() :].startswith("."):
                said = f"{match[1]} is used without its schema"
                yield Finding(statement.path, statement.line, "schema", said)


def banned_sql(files: Iterable[Text]) -> Iterator[Finding]:
    """SQL that hides behaviour or ties data to one node, and keywords that shout."""
    for file in files:
        for number, line in enumerate(_bare(file.text).splitlines(), start=1):
            for pattern, why in BANNED_SQL.items():
                if re.search(pattern, line.lower()):
                    yield Finding(file.path, number, "sql", why)
            if SHOUTING.search(line):
                yield Finding(file.path, number, "sql", "keywords are lower case")


def parameter_prefixes(files: Iterable[Text]) -> Iterator[Finding]:
    """Parameters that could be mistaken for columns: they begin with p_."""
    for file in files:
        bare = _bare(file.text)
        for match in PARAMETERS.finditer(bare):
            for parameter in re.sub(r"\([^)]*", "", match["list"]).split(","):
                words = parameter.split()
                is_column = words[:1] == ["out"]  # a column of the result, named as one
                if words[:1] in (["in"], ["inout"], ["variadic"]):
                    del words[0]
                if words and not is_column and not words[0].startswith("p_"):
                    line = bare.count("\n", 0, match.start()) + 1
                    said = f"{words[0]}: parameters begin with p_"
                    yield Finding(file.path, line, "sql", said)


def _names_location(bare: str) -> bool:
    if VIEW.match(bare) or INSERT_COLUMNS.search(bare):
        return "location_id" in bare
    return PREDICATE.search(bare) is not None


def _cut(path: str, line: int, text: str) -> Iterator[Statement]:
    bare = _bare(text)
    start = 0
    for end in [m.end() for m in re.finditer(";", bare)] + [len(bare)]:
        if bare[start:end].strip(" \n;"):
            first = start + len(bare[start:end]) - len(bare[start:end].lstrip())
            at = line + bare.count("\n", 0, first)
            yield Statement(path, at, text[start:end], bare[start:end].lower())
        start = end


def _bare(text: str) -> str:
    """Blank comments and literals, keeping every position and line."""
    pattern = re.compile(f"{STRING.pattern}|{COMMENT.pattern}")
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def _string(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [v.value if isinstance(v, ast.Constant) else " _ " for v in node.values]
        return "".join(str(part) for part in parts)
    return None


def _docstrings(tree: ast.Module) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            found.add(id(body[0].value))
    return found
