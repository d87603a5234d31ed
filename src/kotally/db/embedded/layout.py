"""Where everything of an embedded server lies, below the data directory."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final, NamedTuple

SOCKET_DIR_MAX: Final = 85  # a socket's whole path must fit into 107 bytes
SOCKET_NAME: Final = ".s.PGSQL.5432"
USER: Final = "kotally"
DATABASE: Final = "kotally"


class EmbeddedFailure(Exception):
    """The embedded PostgreSQL cannot be run; the message says why and what to do."""


class Layout(NamedTuple):
    """
    The paths of one server.

    `root` belongs to who runs Kotally; `place` holds what the server's own user must reach, and is
    the same directory unless that user cannot get there.
    """

    root: Path
    place: Path

    @property
    def server(self) -> Path:
        """The directory that belongs to the server's user."""
        return self.place / "server"

    @property
    def cluster(self) -> Path:
        """The data directory of PostgreSQL."""
        return self.server / "cluster"

    @property
    def sockets(self) -> Path:
        """The directory of the socket; a short path in /tmp when ours would not fit."""
        path = self.server / "run"
        if len(os.fsencode(path)) <= SOCKET_DIR_MAX:
            return path
        return Path("/tmp") / f"kotally-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"  # noqa: S108 - its owner is checked before use


def root_of(directory: Path) -> Path:
    """Return the directory of the embedded server in a data directory."""
    return directory.resolve() / "postgres"


def write_whole(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Replace a small file at once, so that no reader ever sees half of it."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
