"""
The embedded server when anything is killed: no acknowledged row is lost, no server is left behind.

These tests run with fsync on, on a cluster of their own each.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable

import psutil
import pytest

from tests.db.machine import WAIT_S, Actor, Machine, kill_hard

pytestmark = pytest.mark.crash

WRITING_S = 0.4


def write_and_kill(machine: Machine, kill: Callable[[Machine, Actor], None]) -> int:
    """Let a writer write, kill something, end the writer; return its last acknowledged number."""
    writer = machine.start("write")
    writer.wait_for(lambda words: len(words) > 0)
    time.sleep(WRITING_S)
    kill(machine, writer)
    writer.process.kill()
    writer.process.wait(WAIT_S)
    return writer.acknowledged()


def kill_tree(machine: Machine, writer: Actor) -> None:
    """Kill supervisor, postmaster, its children and the writer, in one breath."""
    pids = [machine.supervisor(), machine.server()]
    pids += [child.pid for child in psutil.Process(machine.server()).children(recursive=True)]
    for pid in [*pids, writer.process.pid]:
        kill_hard(pid)


def assert_nothing_lost(machine: Machine, last: int) -> None:
    """Check that every acknowledged row is there, and that the server ends with its users."""
    top, missing = map(int, machine.start("read").ended()[0].split())
    assert last > 1
    assert top >= last
    assert missing == 0
    machine.stop()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=lambda how: how.name)
def test_a_user_that_is_killed_leaves_no_server(machine: Machine, how: signal.Signals) -> None:
    last = write_and_kill(machine, lambda _, writer: writer.process.send_signal(how))

    machine.wait_until_alone()
    assert_nothing_lost(machine, last)


def test_a_next_user_finds_the_server_of_a_killed_one(machine: Machine) -> None:
    last = write_and_kill(machine, lambda _, writer: writer.process.kill())

    assert_nothing_lost(machine, last)


def kill_and_watch(writer: Actor, pid: int) -> None:
    """Kill a process and see that the writer goes on afterwards."""
    kill_hard(pid)
    writer.wait_for(lambda words: any(word.startswith("away") for word in words))
    before = writer.acknowledged()
    writer.wait_for(lambda _: writer.acknowledged() > before + 20)


def test_a_killed_postmaster_is_replaced_under_its_users(machine: Machine) -> None:
    last = write_and_kill(machine, lambda m, w: kill_and_watch(w, m.server()))

    assert_nothing_lost(machine, last)


def test_a_killed_supervisor_is_replaced_under_its_users(machine: Machine) -> None:
    last = write_and_kill(machine, lambda m, w: kill_and_watch(w, m.supervisor()))

    assert_nothing_lost(machine, last)


def test_a_killed_supervisor_without_users_leaves_no_server(machine: Machine) -> None:
    def kill_both(machine: Machine, writer: Actor) -> None:
        writer.process.kill()
        kill_hard(machine.supervisor())

    last = write_and_kill(machine, kill_both)

    machine.wait_until_alone()
    assert_nothing_lost(machine, last)


def test_everything_killed_at_once_starts_again_at_once(machine: Machine) -> None:
    last = write_and_kill(machine, kill_tree)

    assert_nothing_lost(machine, last)


@pytest.mark.parametrize("left", ["another process", "half a file", "a zombie", "a parent"])
def test_a_pid_file_of_the_past_stops_nobody(machine: Machine, left: str) -> None:
    last = write_and_kill(machine, kill_tree)
    file = machine.root / "server" / "cluster" / "postmaster.pid"
    socket_lock = machine.root / "server" / "run" / ".s.PGSQL.5432.lock"
    lines = file.read_text().splitlines()
    other = subprocess.Popen(["sleep", "60"], user=file.stat().st_uid)
    if left == "a zombie":
        other.kill()
        time.sleep(0.1)
    pid = os.getpid() if left == "a parent" else other.pid
    for path in (file, socket_lock):
        text = "" if left == "half a file" else "\n".join([str(pid), *lines[1:], ""])
        path.write_text(text)

    try:
        assert_nothing_lost(machine, last)
    finally:
        other.kill()
        other.wait()


def test_eight_processes_on_a_new_directory_share_one_server(new: Machine) -> None:
    users = [new.start("stay", 2) for _ in range(8)]

    assert [user.ended() for user in users] == [["here", "same"]] * 8
    log = (new.root / "server.log").read_text()
    assert log.count("starting PostgreSQL") == 1
    new.wait_until_alone()


def test_who_started_the_server_may_leave_while_others_use_it(machine: Machine) -> None:
    first = machine.start("stay", 0.5)
    first.wait_for(lambda words: words == ["here"])
    second = machine.start("stay", 3)

    assert first.ended() == ["here", "same"]
    assert second.ended() == ["here", "same"]
    machine.wait_until_alone()


def test_a_stop_of_the_supervisor_waits_for_the_users(machine: Machine) -> None:
    user = machine.start("stay", 2)
    user.wait_for(lambda words: words == ["here"])

    os.kill(machine.supervisor(), signal.SIGTERM)

    assert user.ended() == ["here", "same"]
    machine.wait_until_alone()


def test_an_initdb_that_was_cut_off_is_done_again(new: Machine) -> None:
    half = new.root / "server" / "cluster.123"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    shutil.chown(new.root / "server", new.directory.stat().st_uid)

    assert new.start("stay").ended() == ["here", "same"]
    assert not half.exists()
    new.wait_until_alone()
