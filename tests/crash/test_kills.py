"""kill -9 of anything under load: every answer given is true, once, and is given again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from tests.crash.served import (
    MEMBERS,
    Callers,
    Service,
    assert_nothing_lost,
    request,
    until,
)
from tests.db.machine import command_of, kill_hard

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(60)]

AT_ONCE = 50
AMID_S = 0.05  # some are on their way, some are not sent yet


def postmaster(service: Service) -> None:
    kill_hard(service.machine.server())


def a_backend(service: Service) -> None:
    """Kill one that works for us: the whole server goes through recovery."""
    for process in service.database_processes():
        if "kotally" in command_of(process) and process.pid != service.machine.server():
            kill_hard(process.pid)
            return


def supervisor(service: Service) -> None:
    kill_hard(service.machine.supervisor())


def web_process(service: Service) -> None:
    kill_hard(service.web_processes()[0].pid)


@pytest.mark.parametrize("victim", [postmaster, a_backend, supervisor])
async def test_the_server_goes_on_by_itself_when_the_database_is_killed(
    service: Service, victim: Callable[[Service], None]
) -> None:
    service.start()
    callers = Callers(service)
    async with callers.at_work():
        victim(service)
        await callers.until_answered(150)

    await assert_nothing_lost(service, callers)


async def test_the_server_goes_on_by_itself_when_a_web_process_is_killed(
    service: Service,
) -> None:
    service.start(processes=2)
    await until(lambda: len(service.web_processes()) == 2)
    callers = Callers(service)
    async with callers.at_work():
        web_process(service)
        await callers.until_answered(150)
        await until(lambda: len(service.web_processes()) == 2)

    await assert_nothing_lost(service, callers)


def everything(service: Service) -> None:
    """Kill server, supervisor, postmaster and all backends in one breath."""
    assert service.popen is not None
    pids = [process.pid for process in service.database_processes()]
    for pid in [service.machine.supervisor(), *pids, service.popen.pid]:
        kill_hard(pid)
    service.kill()


@pytest.mark.parametrize("victim", [Service.kill, everything], ids=lambda victim: victim.__name__)
async def test_a_server_that_is_started_again_knows_what_it_said(
    service: Service, victim: Callable[[Service], None]
) -> None:
    service.start()
    callers = Callers(service)
    async with callers.at_work():
        victim(service)
        await asyncio.to_thread(service.start)
        await callers.until_answered(150)

    assert callers.troubles
    await assert_nothing_lost(service, callers)


async def test_one_request_sent_fifty_times_before_amid_and_after_a_crash(
    service: Service,
) -> None:
    """One effect and one answer; another payload under its id is a conflict all the time."""
    service.start()
    callers = Callers(service)
    body, other = request(MEMBERS[0]), request(MEMBERS[1])
    before = await asyncio.gather(*(callers.insist(body) for _ in range(AT_ONCE)))
    amid = [asyncio.create_task(callers.insist(other)) for _ in range(AT_ONCE)]
    await asyncio.sleep(AMID_S)
    everything(service)
    await asyncio.to_thread(service.start)
    answers = await asyncio.gather(*amid)
    after = await asyncio.gather(*(callers.insist(body) for _ in range(AT_ONCE)))
    conflicts = await asyncio.gather(
        *(callers.deduct({**body, "amount": 2}) for _ in range(AT_ONCE))
    )
    await callers.close()

    assert len({answer.content for answer in before + after}) == 1
    assert len({answer.content for answer in answers}) == 1
    assert {answer.status_code for answer in conflicts} == {httpx2.codes.CONFLICT}
    await assert_nothing_lost(service, callers)
