"""As whom the server runs: PostgreSQL refuses root, and we make no users."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from kotally.db.embedded.layout import EmbeddedFailure

CANDIDATES: Final = ("postgres", "nobody")
ENVIRONMENT: Final = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}


class Account(NamedTuple):
    """A user to become before a program of PostgreSQL is run."""

    name: str
    uid: int
    gid: int

    def own(self, path: Path, *, mode: int) -> None:
        """Give a path of ours to this user."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)
        path.chmod(mode)

    def become(self) -> None:
        """Drop root for good; for the moment between fork and exec."""
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)


def choose(root: Path, server: Path) -> Account | None:
    """
    Return the user to become, or None to stay who we are, because we are not root.

    Root keeps out of the way of others: what a user owns is served as that user.
    """
    if os.geteuid() != 0:
        return None
    for owned in (server, root.parent):
        if owned.exists() and (owner := owned.stat()).st_uid != 0:
            return Account(f"#{owner.st_uid}", owner.st_uid, owner.st_gid)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedFailure(
        "PostgreSQL does not run as root, and there is no user named postgres or nobody. "
        "Run Kotally as another user, or name a server in KOTALLY_DATABASE_URL."
    )


def runs_as(account: Account | None, script: str, path: Path) -> bool:
    """Return whether a line of shell succeeds for the user, with the path as $0."""
    return run(account, ["/bin/sh", "-c", script, str(path)]).returncode == 0


def run(
    account: Account | None, command: list[str], *, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a short program as the user, with something to read, and return what came of it."""
    return subprocess.run(
        command,
        env=ENVIRONMENT,
        cwd="/",
        input=given,
        capture_output=True,
        check=False,
        preexec_fn=account.become if account else None,
    )
