"""Bookings that count against a period which is not paid yet (S2.8)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from kotally.bookings.funding import terms_in
from kotally.bookings.records import Booking
from kotally.ledger.scenes import Scene


class FuturePlan(Struct, frozen=True, kw_only=True):
    """A renewing membership and its period at the class: how far ahead, and what is taken of it."""

    entitlement_id: UUID
    credits: int
    weight: int
    reserved: int
    ahead: int
    rules: dict[str, Any]
    cap: dict[str, Any] | None

    def has_room(self, units: int) -> bool:
        """Tell whether the period's allowance and caps have room for so many more units."""
        if self.ahead > terms_in(self.rules).rules.book_ahead_periods or self.cap is not None:
            return False
        if self.rules.get("unlimited", False):
            return True
        return self.reserved + units * self.weight <= self.credits


async def plan_ahead(scene: Scene, booking: Booking) -> FuturePlan | None:
    """Return the membership whose next periods have room for a booking, if there is one."""
    plans = await scene.tx.rows(
        FuturePlan,
        "select * from kotally.future_plans($1, $2, $3, $4, $5, $6, $7)",
        scene.location_id,
        booking.contact_id,
        booking.product_config_id,
        booking.calendar_id,
        booking.starts_at,
        booking.made_for.args(),
        scene.now,
    )
    return next((plan for plan in plans if plan.has_room(booking.units)), None)
