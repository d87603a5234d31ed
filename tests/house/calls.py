"""Acts that have one home: time, chance, ids, configuration, printing, serialising."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.house.source import Finding, Module


class Home(NamedTuple):
    """The only place where something may be done, as a path prefix in the package."""

    path: str
    instead: str


CLOCK = Home("core/", "ask the location's clock, or kotally.core.clock")
CHANCE = Home("core/", "ids and secrets are made in kotally.core")
CONFIG = Home("config.py", "settings are read once, in kotally.config")
CLI = Home("cli/", "only the command line prints; elsewhere, log")
NOWHERE = Home("\0", "JSON is written by msgspec")
TRANSACTIONS = Home("db/", "use `async with db.transaction()`")
DRIVER = Home("db/", "kotally.db is the only door to the driver")

# A dotted name bans itself and everything below it.
BANNED: dict[str, Home] = {
    "datetime.datetime.now": CLOCK,
    "datetime.datetime.utcnow": CLOCK,
    "datetime.datetime.today": CLOCK,
    "datetime.date.today": CLOCK,
    "time.time": CLOCK,
    "time.time_ns": CLOCK,
    "uuid.uuid1": CHANCE,
    "uuid.uuid4": CHANCE,
    "random": CHANCE,
    "secrets": CHANCE,
    "os.urandom": CHANCE,
    "os.environ": CONFIG,
    "os.environb": CONFIG,
    "os.getenv": CONFIG,
    "print": CLI,
    "sys.stdout": CLI,
    "json.dump": NOWHERE,
    "json.dumps": NOWHERE,
}
BANNED_METHODS = {"commit": TRANSACTIONS, "rollback": TRANSACTIONS}

# Libraries that only some storeys may know; import-linter guards our own modules.
FENCED: dict[str, tuple[str, ...]] = {
    "asyncpg": ("db/",),
    "starlette": ("app.py", "server/", "api/", "admin/", "embed/", "portal/", "integrations/"),
    "uvicorn": ("app.py", "server/", "api/"),
    "httptools": ("server/", "api/"),
    "httpx2": ("integrations/", "events/"),
    "stripe": ("integrations/stripe/",),
    "jinja2": ("app.py", "api/", "admin/", "embed/", "portal/"),
}


def homeless(modules: Iterable[Module]) -> Iterator[Finding]:
    """Uses of what has one home elsewhere; a reference counts, not only a call."""
    for module in modules:
        names = _imported(module.tree)
        for node in ast.walk(module.tree):
            for dotted in _meanings(node, names):
                home = _home(dotted)
                if home and not module.name.startswith(home.path):
                    yield module.find(node, "home", f"{dotted}: {home.instead}")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                home = BANNED_METHODS.get(node.func.attr)
                if home and not node.args and not module.name.startswith(home.path):
                    yield module.find(node, "home", f".{node.func.attr}(): {home.instead}")


def fenced(modules: Iterable[Module]) -> Iterator[Finding]:
    """Imports of a library by a storey that shall not know it."""
    for module in modules:
        for node in ast.walk(module.tree):
            for name in _imports(node):
                homes = FENCED.get(name.partition(".")[0])
                if homes and not module.name.startswith(homes):
                    said = f"{name} is known only to {', '.join(homes)}"
                    yield module.find(node, "fence", said)


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []


def _imported(tree: ast.Module) -> dict[str, str]:
    """Map each local name to what was imported under it."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _meanings(node: ast.AST, names: dict[str, str]) -> list[str]:
    """Say what a name, attribute or import refers to, in full."""
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Name):
        if node.id in names:
            return [names[node.id]]
        return [node.id] if node.id == "print" else []
    if isinstance(node, ast.Attribute):
        return [f"{left}.{node.attr}" for left in _meanings(node.value, names)]
    return []


def _home(dotted: str) -> Home | None:
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        home = BANNED.get(".".join(parts[:length]))
        if home:
            return home
    return None
