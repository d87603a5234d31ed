"""List every route of /api/v2, in the order of the reference page."""

from __future__ import annotations

from kotally.api import (
    batch,
    bookings,
    classes,
    clock,
    closures,
    contacts,
    directory,
    entitlements,
    freezes,
    grants,
    holds,
    memberships,
    system,
)
from kotally.api.routing import Route

ROUTES: tuple[Route, ...] = (
    *grants.ROUTES,
    *entitlements.ROUTES,
    *holds.ROUTES,
    *bookings.ROUTES,
    *classes.ROUTES,
    *memberships.ROUTES,
    *freezes.ROUTES,
    *closures.ROUTES,
    *batch.ROUTES,
    *contacts.ROUTES,
    *directory.ROUTES,
    *clock.ROUTES,
    *system.ROUTES,
)
