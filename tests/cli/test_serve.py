"""`kotally serve` with its own PostgreSQL, and commands beside it."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import ran, start
from tests.conftest import stop_supervisor

STOP_WAIT_S = 40
READY = "Kotally is ready at "


@pytest.fixture
def own_data() -> Iterator[Path]:
    """Give a data directory that is ours alone, where the server's user may go."""
    path = Path(tempfile.mkdtemp(prefix="kotally-cli-"))
    yield path
    stop_supervisor(path)
    shutil.rmtree(path, ignore_errors=True)


@asynccontextmanager
async def serving(data: Path, *words: str) -> AsyncGenerator[list[str], None]:
    """Serve on a free port; gives what is printed until it says how to stop."""
    process = await start("serve", "--port", "0", "--data", str(data), *words)
    try:
        yield await _announced(process)
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_WAIT_S):
            await process.communicate()
    assert process.returncode == 0


async def _announced(process: asyncio.subprocess.Process) -> list[str]:
    lines: list[str] = []
    assert process.stdout is not None
    async with asyncio.timeout(STOP_WAIT_S):
        while not any("Ctrl-C" in line or line.startswith("{") for line in lines):
            line = await process.stdout.readline()
            assert line, lines
            lines.append(line.decode().rstrip("\n"))
    return lines


@pytest.mark.slow
async def test_a_fresh_server_says_what_to_do_and_it_works(own_data: Path) -> None:
    """Every command that is printed is run as it stands, while the server holds the database."""
    async with serving(own_data) as lines:
        assert lines[0].startswith(READY)
        commands = [line for line in lines if " create " in line]
        assert len(commands) == 4
        for line in commands:
            await _run_printed(line, own_data)

        listed = await ran("client", "list", "--json", KOTALLY_DATA=str(own_data))
        proof = await ran("prove", "--json", KOTALLY_DATA=str(own_data))

        assert listed.json["clients"][0]["location_id"] == "loc_1"
        assert proof.json["ok"] is True
    async with serving(own_data) as lines:
        assert "curl" in "".join(lines)
        assert "location_id=loc_1" in "".join(lines)


async def _run_printed(line: str, data: Path) -> None:
    assert f"KOTALLY_DATA={data} " in line
    before, _, words = line.partition("kotally ")
    process = await asyncio.create_subprocess_shell(
        f"{before}{shutil.which('kotally', path='.venv/bin') or 'kotally'} {words}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out


@pytest.mark.slow
async def test_commands_need_no_server(own_data: Path) -> None:
    first = await ran("migrate", "--json", KOTALLY_DATA=str(own_data))
    again = await ran("migrate", KOTALLY_DATA=str(own_data))

    assert first.json["migrations"][0] == 1
    assert again.out == "The database is up to date.\n"


@pytest.mark.slow
async def test_a_taken_port_is_a_sentence(own_data: Path) -> None:
    async with serving(own_data, "--json") as lines:
        port = lines[0].partition("127.0.0.1:")[2].partition('"')[0]

        refused = await ran("serve", "--port", port, KOTALLY_DATA=str(own_data))

    assert refused.code == 1
    assert "--port" in refused.err
