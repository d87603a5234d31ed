"""List every route of /api/v2, in the order of the reference page."""

from __future__ import annotations

from kotally.api import system
from kotally.api.routing import Route

ROUTES: tuple[Route, ...] = (*system.ROUTES,)
