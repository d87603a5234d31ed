"""Making a cluster, once and whole, and telling PostgreSQL how to behave."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from kotally.core.ids import new_secret
from kotally.db.embedded.account import Account, run
from kotally.db.embedded.layout import USER, EmbeddedFailure, Layout, write_whole

CONFIG: Final = "kotally.conf"
LOCAL_CONFIG: Final = "local.conf"  # an operator's own settings, beside the password

BUFFERS_LEAST_MB: Final = 128
BUFFERS_MOST_MB: Final = 1_024  # a million postings with their indexes; what is not read costs none
BUFFERS_SHARE: Final = 16  # of the machine's memory: the studio's laptop has other things to do


def _buffers_mb() -> int:
    """Return how much of the machine's memory the server may keep pages in."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1 << 20)
    return min(max(whole // BUFFERS_SHARE, BUFFERS_LEAST_MB), BUFFERS_MOST_MB)


# Anything here can be changed by local.conf or by `alter system`, which both come after.
SETTINGS: Final = {
    "max_connections": "100",
    "shared_buffers": f"{_buffers_mb()}MB",
    "fsync": "on",
    "synchronous_commit": "on",
    # Equal sizes keep written log files for use again: the first sync of a fresh one costs ten.
    "min_wal_size": "1GB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",  # the first change of a page after a checkpoint logs all of it
    "track_functions": "pl",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}


def ensure(layout: Layout, *, account: Account | None, programs: Path) -> None:
    """Make the cluster when there is none, and refuse one that these programs cannot read."""
    _refuse_other_version(layout, programs)
    if not (layout.cluster / "PG_VERSION").exists():
        _make(layout, account, programs)
    if not (layout.root / "password").exists():
        raise EmbeddedFailure(
            f"{layout.root / 'password'} is gone, and with it the key to the database beside it. "
            "Bring it back from a copy."
        )
    _write_settings(layout, account)


def _make(layout: Layout, account: Account | None, programs: Path) -> None:
    for left in layout.server.glob("cluster.*"):  # from a start that was cut off
        shutil.rmtree(left, ignore_errors=True)
    shutil.rmtree(layout.cluster, ignore_errors=True)
    fresh = layout.server / f"cluster.{os.getpid()}"
    password = layout.place / "first-password"
    secret = new_secret()
    write_whole(layout.root / "password", secret)
    if os.geteuid() == 0:
        owner = layout.root.stat()
        os.chown(layout.root / "password", owner.st_uid, owner.st_gid)
    write_whole(password, secret)
    if account is not None:
        account.own(password, mode=0o600)
    command = [str(programs / "initdb"), "-D", str(fresh), "-U", USER, "-E", "UTF8", "--locale=C"]
    command += ["-A", "scram-sha-256", f"--pwfile={password}", "--data-checksums"]
    try:
        made = run(account, [*command, "--no-instructions"])
    finally:
        password.unlink()
    if made.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise EmbeddedFailure(f"initdb failed: {made.stderr.decode(errors='replace').strip()}")
    included = f"\ninclude = '{CONFIG}'\n".encode()
    run(account, ["/bin/sh", "-c", 'cat >> "$0"', str(fresh / "postgresql.conf")], given=included)
    fresh.rename(layout.cluster)
    _sync(layout.server)


def _write_settings(layout: Layout, account: Account | None) -> None:
    lines = [f"{name} = '{value}'" for name, value in SETTINGS.items()]
    local = layout.root / LOCAL_CONFIG
    if local.exists():
        lines += [f"# from {local}", local.read_text()]
    text = "\n".join([*lines, ""]).encode()
    # By the server's user, in whose directory root should not write.
    script = 'umask 077; cat > "$0.new" && mv "$0.new" "$0"'
    written = run(account, ["/bin/sh", "-c", script, str(layout.cluster / CONFIG)], given=text)
    if written.returncode != 0:
        reason = written.stderr.decode(errors="replace").strip()
        raise EmbeddedFailure(f"{layout.cluster / CONFIG} cannot be written: {reason}")


def _refuse_other_version(layout: Layout, programs: Path) -> None:
    version = layout.cluster / "PG_VERSION"
    if not version.exists():
        return
    made_by = version.read_text().strip()
    answer = run(None, [str(programs / "postgres"), "--version"]).stdout.decode()
    ours = answer.rsplit(" ", 1)[-1].split(".")[0].strip()
    if not answer.startswith("postgres") or ours == made_by:
        return
    raise EmbeddedFailure(
        f"The database was made by PostgreSQL {made_by}, and these programs are version {ours}. "
        f"Name the programs of version {made_by} in KOTALLY_PG_BIN, dump the database with them, "
        "and restore it into an empty data directory."
    )


def _sync(directory: Path) -> None:
    """Make a rename durable."""
    if sys.platform == "win32":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
