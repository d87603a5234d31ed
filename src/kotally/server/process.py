"""
Serve the site in this process.

To stop, it first stops accepting, then finishes what it accepted, and closes the writer and the
database last.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from kotally.api.protocol import PROTOCOL
from kotally.api.site import Site

KEEP_ALIVE_SECONDS = 75  # longer than the usual 60 of proxies, so that they close first
GRACE_SECONDS = 30
BACKLOG = 2_048
COLLECT_AFTER = 10_000  # objects; a request leaves hardly any behind
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class PortTaken(Exception):
    """The address cannot be listened on; the message says which and what to do."""


class HttpServer(uvicorn.Server):
    """Be uvicorn's server with our signals: the process ends in order, not by the signal."""

    def __init__(self, site: Site, started: Callable[[], None]) -> None:
        """Call `started` once requests are accepted."""
        super().__init__(
            uvicorn.Config(
                site,
                http=PROTOCOL,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._on_started = started

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to `run_until_stopped`."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self._on_started()


async def run_until_stopped(
    site: Site,
    listener: socket.socket,
    *,
    started: Callable[[], None],
    stop_when_readable: int | None = None,
) -> None:
    """Serve on the socket until a signal, or until the given file descriptor has news."""
    server = HttpServer(site, started)
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, server.handle_exit, number, None)
    if stop_when_readable is not None:

        def stop() -> None:
            loop.remove_reader(stop_when_readable)
            server.should_exit = True

        loop.add_reader(stop_when_readable, stop)
    try:
        async with site.running():
            _leave_to_itself()
            await server.serve(sockets=[listener])
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


def _leave_to_itself() -> None:
    """Spare the garbage collector what lives as long as the process, and most of its rounds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)


@contextmanager
def listening(host: str, port: int) -> Generator[socket.socket, None, None]:
    """Bind the address once; all processes accept on this one socket."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, every event loop knows that its connections may not hold back bytes.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as fault:
        listener.close()
        raise PortTaken(
            f"Cannot listen on {host}:{port}: {fault.strerror}. "
            "Stop what uses it, or choose another with --port."
        ) from fault
    with listener:
        yield listener


def url(host: str, listener: socket.socket) -> str:
    """Give the address that a person types."""
    port: int = listener.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared, not bound
    return f"http://{shown}:{port}"
