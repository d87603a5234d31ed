"""Placing a booking: eligibility, caps and the hold in one transaction (S2, S3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from kotally.bookings import records
from kotally.bookings.blocks import demand_unblocked
from kotally.bookings.funding import (
    Funding,
    Terms,
    balance,
    place_hold,
    terms_in,
    terms_of,
    would_fund,
)
from kotally.bookings.provisional import plan_ahead
from kotally.bookings.records import Booking, answer_of
from kotally.bookings.terms import closes_at
from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play

_SHORT: Final = ("NO_ENTITLEMENT", "INSUFFICIENT_CREDITS", "CAP_REACHED")
_CODES: Final = {
    "booked": "booked",
    "provisional": "booked_provisionally",
    "unfunded": "booked_unfunded",
    "waitlisted": "waitlisted",
}


class Wish(Struct, frozen=True, kw_only=True):
    """
    What somebody wants to book.

    `class_ref` names the class that others book too. With `waitlist` it waits for a free place;
    with `allow_unfunded` it stands without credits, until the next grant pays for it.
    """

    external_contact_id: str
    external_ref: str
    starts_at: datetime
    ends_at: datetime
    class_ref: str | None = None
    product_config_id: str | None = None
    calendar_id: str | None = None
    units: int = 1
    waitlist: bool = False
    allow_unfunded: bool = False


async def place(
    db: Database, location_id: str, wish: Wish, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Place a booking.

    Codes: `booked`, `booked_provisionally`, `booked_unfunded`, `waitlisted`, DUPLICATE_EVENT,
    BILLING_SUSPENDED, BOOKING_BLOCKED, TOO_MANY_OPEN_BOOKINGS, CAP_REACHED and the refusals of a
    deduction.
    """

    async def work(scene: Scene) -> Done:
        return await _place(scene, wish)

    return await play(db, location_id, "booking", key=key, work=work, preview=preview)


async def _place(scene: Scene, wish: Wish) -> Done:
    draft = await _draft(scene, wish)
    await scene.lock([draft.contact_id])
    known = await records.of_reference(scene, draft.contact_id, wish.external_ref)
    if known is not None:
        raise Declined("DUPLICATE_EVENT", **answer_of(known))
    if wish.waitlist:
        # Whoever still waits when the class begins waits for nothing.
        booking, facts = replace(draft, status="waitlisted", closes_at=draft.starts_at), {}
    else:
        booking, facts = await fund(scene, draft, allow_unfunded=wish.allow_unfunded)
    await records.insert(scene, booking)
    code = _CODES[booking.status]
    await scene.happened(
        booking.contact_id,
        f"booking_{booking.status}",
        entitlement_id=booking.entitlement_id,
        booking_id=booking.id,
        class_ref=booking.class_ref,
        starts_at=iso(booking.starts_at),
    )
    facts.setdefault("balance_after", await balance(scene, booking.contact_id))
    return Done(code, answer_of(booking, **facts))


async def fund(
    scene: Scene, draft: Booking, *, allow_unfunded: bool = False
) -> tuple[Booking, dict[str, Any]]:
    """
    Find what pays for a booking and take it, under the rules of the plan that pays.

    Returns the booking as it stands then, not yet written, and what there is to say of the money;
    leaves with `Declined` when nothing pays.
    """
    await demand_active(scene)
    await demand_unblocked(scene, draft)
    found = await would_fund(scene, draft)
    if found.code == "eligible":
        return await _funded(scene, draft, found)
    ahead = await plan_ahead(scene, draft) if found.code in _SHORT else None
    if ahead is not None:
        waiting = under_terms(draft, terms_in(ahead.rules), ahead.entitlement_id)
        await _demand_room(scene, waiting)
        cost = 0 if ahead.rules.get("unlimited", False) else draft.units * ahead.weight
        return replace(waiting, status="provisional", credits=cost), {}
    if allow_unfunded and found.code in {"NO_ENTITLEMENT", "INSUFFICIENT_CREDITS"}:
        waiting = replace(draft, status="unfunded", note=found.code)
        short = {name: found.answer[name] for name in ("short_by",) if name in found.answer}
        return replace(waiting, closes_at=closes_at(waiting.rules, waiting.ends_at)), short
    raise Declined(found.code, **found.answer)


async def _funded(scene: Scene, draft: Booking, found: Funding) -> tuple[Booking, dict[str, Any]]:
    plan = found.entitlement_id or await _unlimited(scene, draft)
    booking = under_terms(draft, await terms_of(scene, plan), plan)
    await _demand_room(scene, booking)
    if booking.mode == "attendance":
        booking = replace(booking, status="booked", credits=found.answer["credits"])
        return booking, {"funding": found.answer["funding"]}
    taken = await place_hold(scene, booking, "deduct" if booking.mode == "booking" else "hold")
    if taken.code not in {"held", "deducted"}:
        raise Declined(taken.code, **taken.answer)
    booking = replace(
        booking,
        status="booked",
        credits=taken.answer["credits"],
        hold_id=UUID(taken.answer["hold_id"]),
        entitlement_id=taken.entitlement_id or plan,
    )
    return booking, {
        "funding": taken.answer["slices"],
        "balance_after": taken.answer["balance_after"],
    }


async def _unlimited(scene: Scene, draft: Booking) -> UUID | None:
    """Return the unlimited plan that pays; it is in no slice, because it pays no credits."""
    return await scene.tx.fetchval(
        """
        select (kotally.fund_by_plan($1, $2, s, $3, $4, $5, $6, $7)).entitlement_id
          from kotally.spending_of($1, $2, $7) s
         where s.plans is not null
        """,
        scene.location_id,
        draft.contact_id,
        draft.product_config_id,
        draft.calendar_id,
        draft.units,
        max(draft.starts_at, scene.now),
        scene.now,
    )


def under_terms(booking: Booking, terms: Terms, plan: UUID | None) -> Booking:
    """Copy the rules of the plan that pays onto a booking (S2.1)."""
    rules, window = terms.rules, terms.cancel_window_minutes
    return replace(
        booking,
        entitlement_id=plan,
        terms=terms.attendance,
        mode=rules.mode,
        cancel_window_minutes=booking.cancel_window_minutes if window is None else window,
        closes_at=closes_at(rules, booking.ends_at),
    )


async def demand_active(scene: Scene) -> None:
    """Refuse while the workspace's own billing is suspended."""
    if await scene.tx.fetchval(
        "select is_suspended from kotally.location_of($1)", scene.location_id
    ):
        raise Declined("BILLING_SUSPENDED")


async def _demand_room(scene: Scene, booking: Booking) -> None:
    """Refuse more open bookings of a plan than it allows at once (S3.5)."""
    most = booking.rules.max_open_bookings
    if most is None:
        return
    count: int = await scene.tx.fetchval(
        """
        select count(*) from kotally.bookings b
         where b.location_id = $1 and b.contact_id = $2 and b.entitlement_id = $3 and b.id <> $4
           and b.starts_at > $5 and b.status in ('booked', 'provisional', 'unfunded')
        """,
        scene.location_id,
        booking.contact_id,
        booking.entitlement_id,
        booking.id,
        scene.now,
    )
    if count >= most:
        raise Declined("TOO_MANY_OPEN_BOOKINGS", open=count, max_open_bookings=most)


async def _draft(scene: Scene, wish: Wish) -> Booking:
    row = await scene.tx.fetchrow(
        """
        select c.id, o.cancel_window_minutes
          from kotally.location_of($1) o
          join kotally.contacts c on c.location_id = $1 and c.external_id = $2
        """,
        scene.location_id,
        wish.external_contact_id,
    )
    if row is None:
        raise Declined("NO_ENTITLEMENT")
    return Booking(
        id=new_id(),
        contact_id=row["id"],
        external_contact_id=wish.external_contact_id,
        external_ref=wish.external_ref,
        class_ref=wish.class_ref,
        product_config_id=wish.product_config_id,
        calendar_id=wish.calendar_id,
        units=wish.units,
        entitlement_id=None,
        credits=0,
        mode="hold",
        terms={},
        cancel_window_minutes=row["cancel_window_minutes"],
        starts_at=wish.starts_at,
        original_starts_at=None,
        ends_at=wish.ends_at,
        status="unfunded",
        note=None,
        hold_id=None,
        absence_reported_at=None,
        closes_at=None,
        settled_at=None,
        created_at=scene.now,
    )
