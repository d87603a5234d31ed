"""List every route of /api/v2, in the order of the reference page."""

from __future__ import annotations

from kotally.api import (
    adjustments,
    batch,
    bookings,
    classes,
    clock,
    closures,
    contacts,
    directory,
    entitlements,
    failed_payments,
    freezes,
    grants,
    holds,
    locations,
    memberships,
    migrations,
    past_uses,
    products,
    queue,
    refunds,
    system,
    transfers,
)
from kotally.api.routing import Route

ROUTES: tuple[Route, ...] = (
    *grants.ROUTES,
    *entitlements.ROUTES,
    *holds.ROUTES,
    *bookings.ROUTES,
    *classes.ROUTES,
    *memberships.ROUTES,
    *failed_payments.ROUTES,
    *freezes.ROUTES,
    *closures.ROUTES,
    *past_uses.ROUTES,
    *refunds.ROUTES,
    *adjustments.ROUTES,
    *transfers.ROUTES,
    *batch.ROUTES,
    *contacts.ROUTES,
    *directory.ROUTES,
    *products.ROUTES,
    *migrations.ROUTES,
    *queue.ROUTES,
    *locations.ROUTES,
    *clock.ROUTES,
    *system.ROUTES,
)
