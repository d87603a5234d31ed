"""Run the web application: one process, or several that share one listening socket."""

from __future__ import annotations

from collections.abc import Callable

import uvloop

from kotally.app import build
from kotally.config import Settings
from kotally.core import logging
from kotally.server.process import PortTaken, listening, run_until_stopped, url
from kotally.server.supervisor import supervise

__all__ = ["PortTaken", "serve"]

Announce = Callable[[str], None]


def serve(settings: Settings, announce: Announce) -> None:
    """Serve until SIGTERM or SIGINT; `announce` gets the address once it answers."""
    with listening(settings.host, settings.port) as listener:
        address = url(settings.host, listener)
        if settings.processes > 1:
            supervise(settings, listener, started=lambda: announce(address))
            return
        logging.configure(level=settings.log_level, style=settings.log_format)
        site = build(settings)
        uvloop.run(run_until_stopped(site, listener, started=lambda: announce(address)))
