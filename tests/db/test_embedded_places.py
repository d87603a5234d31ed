"""Where the embedded server lies and as whom it runs; what it says when it cannot."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kotally.db.embedded import binaries
from kotally.db.embedded.attach import attached
from kotally.db.embedded.layout import SOCKET_DIR_MAX, EmbeddedFailure
from kotally.db.embedded.place import ELSEWHERE
from tests.db.machine import Machine

pytestmark = pytest.mark.crash

SYSTEM_PYTHON = Path("/usr/bin/python3")
ATTACH = """
import asyncio, os, sys
from pathlib import Path
from kotally.db.embedded.attach import attached
async def main():
    async with attached(Path(sys.argv[1]), pg_bin=Path(sys.argv[2])) as server:
        print(os.geteuid(), server.sockets.exists())
asyncio.run(main())
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Machine]:
    """Give a data directory below one that is closed to others, and clean up elsewhere."""
    tmp_path.chmod(0o700)
    before = set(ELSEWHERE.glob("*"))
    made = Machine(tmp_path / "data")
    yield made
    made.end()
    for place in set(ELSEWHERE.glob("*")) - before:
        shutil.rmtree(place)


async def failure_of(machine: Machine) -> str:
    """Attach, which must fail, and return what is said."""
    with pytest.raises(EmbeddedFailure) as caught:
        async with attached(machine.directory):
            pass
    return str(caught.value)


@as_root
def test_root_runs_the_server_as_a_user_who_is_not(machine: Machine) -> None:
    user = machine.start("stay", 1)
    user.wait_for(lambda words: words == ["here"])

    assert psutil.Process(machine.server()).username() in ("postgres", "nobody")
    assert (machine.root / "password").stat().st_mode & 0o777 == 0o600
    assert user.ended() == ["here", "same"]


@as_root
def test_root_serves_a_users_directory_as_that_user(new: Machine) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(new.directory, nobody.pw_uid, nobody.pw_gid)

    user = new.start("stay", 1)
    user.wait_for(lambda words: words == ["here"])

    assert psutil.Process(new.server()).username() == "nobody"
    assert {path.stat().st_uid for path in new.root.glob("*.lock")} == {nobody.pw_uid}
    assert (new.root / "password").stat().st_uid == nobody.pw_uid
    assert user.ended() == ["here", "same"]


@as_root
def test_a_directory_nobody_else_can_reach_keeps_its_cluster_elsewhere(closed: Machine) -> None:
    assert closed.start("stay").ended() == ["here", "same"]
    assert closed.directory.parent.stat().st_mode & 0o777 == 0o700

    name = (closed.root / "elsewhere").read_text()

    assert (ELSEWHERE / name / "server" / "cluster" / "PG_VERSION").exists()
    assert not (closed.root / "server").exists()
    closed.stop()
    assert closed.start("stay").ended() == ["here", "same"]
    assert (closed.root / "elsewhere").read_text() == name
    closed.stop()


@as_root
async def test_a_copy_of_such_a_directory_does_not_share_the_cluster(
    closed: Machine, tmp_path: Path
) -> None:
    assert closed.start("stay").ended() == ["here", "same"]
    closed.stop()
    copy = closed.beside(tmp_path / "copy")
    shutil.copytree(closed.directory, copy.directory)

    assert "is a copy of" in await failure_of(copy)

    shutil.rmtree(closed.directory)  # now it was moved, not copied
    assert copy.start("stay").ended() == ["here", "same"]
    copy.stop()


@as_root
def test_without_root_everything_is_ours(new: Machine) -> None:
    if not SYSTEM_PYTHON.exists():
        pytest.skip("another user cannot run the Python of these tests")
    nobody = pwd.getpwnam("nobody")
    os.chown(new.directory, nobody.pw_uid, nobody.pw_gid)
    source = Path(binaries.__file__).parents[3]
    command = [SYSTEM_PYTHON, "-c", ATTACH, new.directory, binaries.find(None)]

    done = subprocess.run(
        command,
        user="nobody",
        group=nobody.pw_gid,
        extra_groups=[],
        env={"PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == (f"{nobody.pw_uid} True\n", "")
    new.stop()


def hidden_programs(directory: Path) -> Path:
    """Copy the wheel to where only root can go, and return its programs."""
    directory.chmod(0o700)
    wheel = binaries.find(None).parent.parent
    for part in (wheel, *wheel.parent.glob(f"{wheel.name}.libs")):
        shutil.copytree(part, directory / part.name, symlinks=True)
    return directory / wheel.name / "pginstall" / "bin"


@as_root
async def test_programs_that_cannot_be_reached_are_copied_once(
    new: Machine, tmp_path: Path
) -> None:
    programs = hidden_programs(tmp_path)

    async with attached(new.directory, pg_bin=programs):
        program = Path(psutil.Process(new.server()).exe())

    assert program.is_relative_to(new.root)
    new.stop()
    async with attached(new.directory, pg_bin=programs):
        assert Path(psutil.Process(new.server()).exe()) == program
    new.stop()


def test_a_path_too_long_for_a_socket_has_it_in_tmp(new: Machine) -> None:
    new.directory.chmod(0o711)
    deep = new.beside(new.directory / ("long" * 20))

    assert deep.start("stay").ended() == ["here", "same"]

    sockets = Path((deep.root / "address").read_text())
    assert not sockets.is_relative_to(deep.directory)
    assert len(str(sockets)) <= SOCKET_DIR_MAX
    assert sockets.stat().st_mode & 0o777 == 0o700
    deep.stop()
    sockets.rmdir()


async def test_a_setting_that_does_not_parse_is_told(machine: Machine) -> None:
    (machine.root / "local.conf").write_text("shared_buffers = many\n")

    said = await failure_of(machine)

    assert "PostgreSQL does not start" in said
    assert "shared_buffers" in said
    machine.stop()
    (machine.root / "local.conf").write_text("work_mem = 5MB\n")
    assert machine.start("stay").ended() == ["here", "same"]


async def test_a_cluster_of_another_version_is_told(machine: Machine) -> None:
    (machine.root / "server" / "cluster" / "PG_VERSION").write_text("17\n")

    assert "made by PostgreSQL 17, and these programs are version" in await failure_of(machine)


async def test_a_password_that_is_gone_is_told(machine: Machine) -> None:
    (machine.root / "password").unlink()

    assert "is gone, and with it the key" in await failure_of(machine)


async def test_an_initdb_that_fails_is_told(new: Machine, tmp_path: Path) -> None:
    programs = new.directory / "programs"
    programs.mkdir()
    for name, line in (("initdb", "echo no room >&2; exit 1"), ("postgres", "exit 1")):
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    new.directory.chmod(0o755)

    with pytest.raises(EmbeddedFailure, match="initdb failed: no room"):
        async with attached(new.directory, pg_bin=programs):
            pass


def test_no_programs_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "WHEELS", ())
    monkeypatch.setattr(binaries, "SYSTEM", Path("/nowhere"))

    with pytest.raises(EmbeddedFailure, match="KOTALLY_PG_BIN"):
        binaries.find(None)


def test_the_supervisor_imports_no_driver() -> None:
    code = (
        "import sys, kotally.db.embedded.supervise as s;"
        "heavy = {'asyncpg', 'asyncio', 'msgspec', 'ssl'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
