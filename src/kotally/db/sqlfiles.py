"""Reading the SQL folder: which files there are, what they say, in which order they apply."""

from __future__ import annotations

import hashlib
import re
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from msgspec import Struct

MIGRATION_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
AFTER: Final = re.compile(r"-- after: *([a-z0-9_, ]+)\n")
GRANTS: Final = "grants"


class SqlError(Exception):
    """The SQL folder is not in order; a fault of the code, not of the database."""


class Migration(Struct, frozen=True):
    """A step that is taken once."""

    version: int
    name: str
    text: str
    sha256: str


class Repeatable(Struct, frozen=True):
    """A text that is applied again when it changes; known by its name without folder and ending."""

    name: str
    text: str
    sha256: str
    after: tuple[str, ...]


class Scripts(Struct, frozen=True):
    """Everything the code wants the database to know."""

    migrations: tuple[Migration, ...]
    repeatables: tuple[Repeatable, ...]

    @property
    def version(self) -> int:
        """The version of the newest migration; 0 when there is none."""
        return self.migrations[-1].version if self.migrations else 0


def read_scripts(folder: Traversable | None = None) -> Scripts:
    """Read the product's own SQL, or another folder of the same form."""
    folder = files("kotally.sql") if folder is None else folder
    grants = [path for path in (folder / f"{GRANTS}.sql",) if path.is_file()]
    return Scripts(
        migrations=tuple(_read_migrations(folder / "migrations")),
        repeatables=tuple(
            _in_order(
                [_read_repeatable(path) for path in _sql_files(folder / "functions")]
                + [_read_repeatable(path) for path in _sql_files(folder / "views")]
            )
            + [_read_repeatable(path) for path in grants]
        ),
    )


def _read_migrations(folder: Traversable) -> list[Migration]:
    migrations: list[Migration] = []
    for path in _sql_files(folder):
        match = MIGRATION_NAME.fullmatch(path.name)
        if match is None:
            raise SqlError(f"{path.name}: a migration is named like 0001_ledger.sql")
        if int(match[1]) != len(migrations) + 1:
            raise SqlError(f"{path.name}: expected number {len(migrations) + 1:04}")
        text = _text(path)
        migrations.append(Migration(int(match[1]), match[2], text, _hash(text)))
    return migrations


def _read_repeatable(path: Traversable) -> Repeatable:
    text = _text(path)
    match = AFTER.match(text)
    after = tuple(name.strip() for name in match[1].split(",")) if match else ()
    return Repeatable(path.name.removesuffix(".sql"), text, _hash(text), after)


def _in_order(files_: list[Repeatable]) -> list[Repeatable]:
    """Sort so that each comes behind what it names; otherwise by folder and name."""
    known = {file.name: file for file in files_}
    if len(known) != len(files_):
        raise SqlError("two functions or views have the same file name")
    for file in files_:
        missing = [name for name in file.after if name not in known]
        if missing:
            raise SqlError(f"{file.name}: comes after {missing[0]}, which does not exist")
    sorter = TopologicalSorter({file.name: file.after for file in files_})
    try:
        return [known[name] for name in sorter.static_order()]
    except CycleError as fault:
        raise SqlError(f"functions and views wait for each other: {fault.args[1]}") from fault


def _sql_files(folder: Traversable) -> list[Traversable]:
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.name.endswith(".sql")]
    return sorted(found, key=lambda path: path.name)


def _text(path: Traversable) -> str:
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
