"""A service to kill: `kotally serve` on data of its own, and callers who never give up."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec
import psutil

from kotally.config import Settings
from kotally.core.ids import new_id
from kotally.db import Database, opened
from tests.db.machine import Machine, command_of

LOCATION = "loc_1"
PRODUCT = "pc_1"
MEMBERS = [f"m{number}" for number in range(12)]
EACH = 100_000
WAIT_S = 30
CALLERS = 16
PAUSE_S = 0.02

Body = dict[str, Any]


class Service:
    """The server of a machine, on one port whenever it is started again."""

    def __init__(self, machine: Machine, token: str) -> None:
        self.machine = machine
        self.token = token
        self.port = free_port()
        self.popen: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("KOTALLY_")}
        return {
            **kept,
            "KOTALLY_DATA": str(self.machine.directory),
            "KOTALLY_LOG_LEVEL": "error",
        }

    def start(self, *, processes: int = 1) -> None:
        """Start, and wait until it says where it is."""
        with (self.machine.directory / "serve.log").open("ab") as log:
            self.popen = subprocess.Popen(
                [
                    *KOTALLY,
                    "serve",
                    "--port",
                    str(self.port),
                    "--processes",
                    str(processes),
                    "--json",
                ],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        assert line, (self.machine.directory / "serve.log").read_text()[-2_000:]
        assert msgspec.json.decode(line)["url"] == self.address

    def kill(self) -> None:
        """End it without a word."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> int:
        """Send it a signal and wait for its end."""
        assert self.popen is not None
        self.popen.send_signal(number)
        self.popen.communicate(timeout=WAIT_S)
        code, self.popen = self.popen.returncode, None
        return code

    def web_processes(self) -> list[psutil.Process]:
        """List the children that answer requests."""
        assert self.popen is not None
        children = psutil.Process(self.popen.pid).children()
        return [child for child in children if "spawn_main" in command_of(child)]

    def database_processes(self) -> list[psutil.Process]:
        """List the postmaster and all that it started."""
        server = psutil.Process(self.machine.server())
        return [server, *server.children(recursive=True)]

    async def prove(self) -> None:
        """Let `kotally prove` look at the books, beside the running server."""
        process = await asyncio.create_subprocess_exec(
            *KOTALLY, "prove", "--json", env=self.environment, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode == 0, out.decode()
        assert msgspec.json.decode(out)["ok"] is True

    @asynccontextmanager
    async def books(self) -> AsyncGenerator[Database, None]:
        """Look into the database beside the server."""
        async with opened(Settings(data=self.machine.directory), migrate=False) as db:
            yield db


KOTALLY = [sys.executable, "-m", "kotally"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Callers:
    """Programs that deduct and, whatever happens, send the same request until it is answered."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.answered: dict[str, tuple[Body, bytes]] = {}
        self.sent: dict[str, Body] = {}
        self.troubles: Counter[str] = Counter()
        self._stopping = False
        self._http = httpx2.AsyncClient(
            base_url=f"{service.address}/api/v2",
            headers={"authorization": f"Bearer {service.token}"},
            timeout=30,
        )

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[Callers, None]:
        """Call all the time; at the end every request is sent until it has its answer."""
        tasks = [asyncio.create_task(self._work(number)) for number in range(CALLERS)]
        try:
            await self.until_answered(100)
            yield self
            self._stopping = True
            async with asyncio.timeout(WAIT_S):
                await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await self.close()

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def until_answered(self, more: int) -> None:
        """Wait until so many more requests were answered."""
        enough = len(self.answered) + more
        await until(lambda: len(self.answered) >= enough)

    async def deduct(self, body: Body) -> httpx2.Response:
        """Send one request once."""
        return await self._http.post("/entitlements/deduct", json=body)

    async def insist(self, body: Body) -> httpx2.Response:
        """Send one request until it has an answer that will stay."""
        self.sent[body["request_id"]] = body
        while True:
            try:
                answer = await self.deduct(body)
            except httpx2.TransportError as fault:
                self.troubles[type(fault).__name__] += 1
            else:
                if answer.status_code == httpx2.codes.OK:
                    self.answered[body["request_id"]] = (body, answer.content)
                    return answer
                self.troubles[str(answer.status_code)] += 1
                assert answer.status_code in {409, 503}, answer.text
                assert answer.headers["retry-after"] == "1"
            await asyncio.sleep(PAUSE_S)

    async def _work(self, number: int) -> None:
        while not self._stopping:
            await self.insist(request(MEMBERS[(number + len(self.sent)) % len(MEMBERS)]))


def request(member: str, **fields: Any) -> Body:
    """Make a request that nobody has sent yet."""
    return {
        "location_id": LOCATION,
        "request_id": str(new_id()),
        "external_contact_id": member,
        "product_config_id": PRODUCT,
        "amount": 1,
        **fields,
    }


async def assert_nothing_lost(service: Service, callers: Callers) -> None:
    """Every answer given is there exactly once, every retry gets it again, and the books agree."""
    assert callers.sent.keys() == callers.answered.keys()
    async with service.books() as db:
        stored = await db.fetch(
            "select p.request_id, count(*) as times, -sum(p.amount) as credits"
            "  from kotally.postings p where p.location_id = $1 and p.kind = 'deduct'"
            " group by 1",
            LOCATION,
        )
        left = await db.fetchval(
            "select sum(available) from kotally.balances where location_id = $1", LOCATION
        )
        remembered = await db.fetchval(
            "select count(*) from kotally.requests where location_id = $1 and operation = 'deduct'",
            LOCATION,
        )
    taken = {row["request_id"]: (row["times"], row["credits"]) for row in stored}
    assert taken == dict.fromkeys(callers.answered, (1, 1))
    assert remembered == len(taken)
    assert left == EACH * len(MEMBERS) - len(taken)
    await assert_same_answers(service, callers)
    await service.prove()


async def assert_same_answers(service: Service, callers: Callers) -> None:
    """Demand that a repetition of each request gets the original answer, byte for byte."""
    again = Callers(service)
    turns = asyncio.Semaphore(CALLERS)

    async def repeat(body: Body, first: bytes) -> None:
        async with turns:
            answer = await again.insist(body)
        assert answer.content == first
        assert answer.headers["idempotent-replayed"] == "true"

    await asyncio.gather(*(repeat(*known) for known in callers.answered.values()))
    await again.close()


async def until(true: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(WAIT_S):
        while not true():  # noqa: ASYNC110 - what is watched sends no event
            await asyncio.sleep(PAUSE_S)
