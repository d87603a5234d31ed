"""List every route of /api/v2, in the order of the reference page."""

from __future__ import annotations

from kotally.api import batch, contacts, directory, entitlements, grants, holds, system
from kotally.api.routing import Route

ROUTES: tuple[Route, ...] = (
    *grants.ROUTES,
    *entitlements.ROUTES,
    *holds.ROUTES,
    *batch.ROUTES,
    *contacts.ROUTES,
    *directory.ROUTES,
    *system.ROUTES,
)
