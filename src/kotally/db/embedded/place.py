"""Where the cluster lies: in the data directory, unless the server's user cannot reach it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kotally.core.ids import public_id
from kotally.db.embedded.account import Account, runs_as
from kotally.db.embedded.layout import EmbeddedFailure, Layout, write_whole

ELSEWHERE: Final = Path("/var/lib/kotally")
MARKER: Final = "elsewhere"  # in `root`: the name of our directory below ELSEWHERE
BACK_MARKER: Final = "belongs-to"  # in that directory: the `root` it belongs to


def settle(root: Path, account: Account | None) -> Layout:
    """Return the layout of this data directory, with every directory the server needs."""
    layout = Layout(root, current(root))
    if account is None:
        layout.server.mkdir(mode=0o700, exist_ok=True)
        layout.server.chmod(0o700)
        _make_sockets(layout, account)
        return layout
    if layout.place == root and not _passable(root, account):
        layout = Layout(root, _new_place(root))
    layout.server.mkdir(mode=0o700, exist_ok=True)
    account.own(layout.server, mode=0o700)
    if not runs_as(account, 'test -w "$0"', layout.server):
        raise EmbeddedFailure(
            f"User {account.name} cannot reach {layout.server}: a directory above it is closed to "
            "others. Choose another KOTALLY_DATA, or run Kotally as the user who owns it."
        )
    _make_sockets(layout, account)
    return layout


def _passable(root: Path, account: Account) -> bool:
    """Return whether the server's user can get here; opens our own directories, none above."""
    if not runs_as(account, 'test -x "$0"', root):
        for directory in (root.parent, root):
            directory.chmod(directory.stat().st_mode | 0o011)
    return (root / "server").exists() or runs_as(account, 'test -x "$0"', root)


def _new_place(root: Path) -> Path:
    name = public_id("data")
    place = ELSEWHERE / name
    ELSEWHERE.mkdir(mode=0o755, parents=True, exist_ok=True)
    place.mkdir(mode=0o711)
    place.chmod(0o711)
    write_whole(place / BACK_MARKER, str(root))
    write_whole(root / MARKER, name)
    return place


def current(root: Path) -> Path:
    """Return the place in use: `root`, or one outside, which it refuses to share with a copy."""
    marker = root / MARKER
    if not marker.exists():
        return root
    name = marker.read_text().strip()
    place = ELSEWHERE / name
    if not place.is_dir():
        raise EmbeddedFailure(
            f"The database of {root.parent} was kept in {place}, which is gone. "
            f"Bring it back, or remove {marker} to start with an empty database."
        )
    owner = Path((place / BACK_MARKER).read_text().strip())
    other = owner / MARKER
    if owner != root and other.exists() and other.read_text().strip() == name:
        raise EmbeddedFailure(
            f"{root.parent} is a copy of {owner.parent}, and both keep their database in {place}. "
            f"Remove {marker} to start this one with an empty database."
        )
    if owner != root:  # the data directory was moved, which is its owner's right
        write_whole(place / BACK_MARKER, str(root))
    return place


def _make_sockets(layout: Layout, account: Account | None) -> None:
    sockets = layout.sockets
    try:
        sockets.mkdir(mode=0o700)
        if account is not None:
            account.own(sockets, mode=0o700)
    except FileExistsError:
        pass
    state = sockets.lstat()
    expected = layout.server.stat().st_uid
    if sockets.is_symlink() or state.st_uid != expected or state.st_mode & 0o077:
        raise EmbeddedFailure(
            f"{sockets} exists and belongs to somebody else. Remove it, or choose a shorter "
            "KOTALLY_DATA, so that the socket can lie there."
        )
