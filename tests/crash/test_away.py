"""The database is away, hangs, or has no room: said plainly, and over when it is over."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from kotally.core.ids import new_id
from tests.crash.conftest import _lent
from tests.crash.served import CALLERS, Callers, Service, assert_nothing_lost, until
from tests.db.machine import Machine, empty_directory

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(120)]

AWAY_S = 30
FROZEN_S = 3
ROOM = "300m"
FILL_BYTES = 1_048_576
CALLS_REFUSED = 20


def refused_for_now(answer: httpx2.Response) -> None:
    """Demand the documented words for a database that cannot answer."""
    assert answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE, answer.text
    assert answer.json()["reason_code"] == "UNAVAILABLE"
    assert answer.headers["retry-after"] == "1"


def ready(service: Service) -> bool:
    """Ask whether it can work; it is alive all the time."""
    assert httpx2.get(f"{service.address}/healthz", timeout=10).status_code == httpx2.codes.OK
    code = httpx2.get(f"{service.address}/readyz", timeout=10).status_code
    assert code in {httpx2.codes.OK, httpx2.codes.SERVICE_UNAVAILABLE}
    return code == httpx2.codes.OK


async def test_a_database_that_is_away_is_said_and_comes_back(service: Service) -> None:
    """503 with Retry-After to everything, also to who is not known yet; no restart is needed."""
    service.start()
    callers = Callers(service)
    async with callers.at_work():
        supervisor = psutil.Process(service.machine.supervisor())
        supervisor.suspend()  # so that nobody brings the database back for a while
        for process in service.database_processes():
            process.kill()
        async with httpx2.AsyncClient(base_url=service.address, timeout=10) as http:
            for _ in range(AWAY_S):
                assert not await asyncio.to_thread(ready, service)
                for token in (service.token, f"ktly_{new_id()}_{new_id()}"):
                    refused_for_now(await read(http, token))
                await asyncio.sleep(1)
        supervisor.resume()
        await until(lambda: ready(service))
        await callers.until_answered(150)

    assert callers.troubles["503"] > 0
    assert callers.troubles.keys() == {"503"}, "no connection of a caller was cut"
    await assert_nothing_lost(service, callers)


async def read(http: httpx2.AsyncClient, token: str) -> httpx2.Response:
    headers = {"authorization": f"Bearer {token}"}
    return await http.get("/api/v2/contacts/m1?location_id=loc_1", headers=headers)


async def test_a_database_that_stands_still_is_waited_for(service: Service) -> None:
    """Frozen without a word for a moment: nobody is refused, nothing is done twice."""
    service.start()
    callers = Callers(service)
    async with callers.at_work():
        frozen = service.database_processes()
        for process in frozen:
            process.suspend()
        before = len(callers.answered)
        await asyncio.sleep(FROZEN_S)
        # What was committed before is still told; each caller then waits with the next request.
        assert len(callers.answered) <= before + CALLERS
        for process in frozen:
            process.resume()
        await callers.until_answered(150)

    await assert_nothing_lost(service, callers)


@pytest.fixture
def small_disk(seed: tuple[Machine, str]) -> Iterator[Service]:
    """Give a service whose data lies on a small disk."""
    machine, token = seed
    place = empty_directory()
    place.chmod(0o711)
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if mounted:
        asked = ["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=0711", "tmpfs", str(place)]
        mounted = subprocess.run(asked, check=False, capture_output=True).returncode == 0
    if not mounted:
        place.rmdir()
        pytest.skip("only root can make a small disk here")
    (place / "data").mkdir()
    try:
        yield from _lent(Machine(place / "data"), machine, token)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


def fill(place: Path) -> Path:
    """Write until nothing fits any more."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        size = FILL_BYTES
        while size:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2
    return filler


async def test_a_full_disk_refuses_and_loses_nothing(small_disk: Service) -> None:
    """No room for one more row: 503 until there is; then it goes on, without a restart."""
    service = small_disk
    service.start()
    callers = Callers(service)
    async with callers.at_work():
        filler = await asyncio.to_thread(fill, service.machine.directory.parent)
        await until(lambda: callers.troubles["503"] > CALLS_REFUSED)
        filler.unlink()
        await until(lambda: ready(service))
        await callers.until_answered(150)

    assert callers.troubles.keys() == {"503"}
    await assert_nothing_lost(service, callers)


async def test_a_server_that_is_told_to_stop_finishes_what_it_accepted(service: Service) -> None:
    """SIGTERM under load: what was done was answered, and the end is in order."""
    service.start()
    callers = Callers(service)
    async with callers.at_work():
        code = await asyncio.to_thread(service.end, signal.SIGTERM)
        async with service.books() as db:
            done = await db.fetchval(
                "select count(*) from kotally.requests where operation = 'deduct'"
                " and location_id = 'loc_1'"
            )
        assert code == 0
        assert done == len(callers.answered)
        await asyncio.to_thread(service.start)
        await callers.until_answered(50)

    await assert_nothing_lost(service, callers)
