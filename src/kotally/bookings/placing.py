"""Placing a booking: eligibility, caps and the hold in one transaction (S2, S3)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from kotally.bookings import lending, records
from kotally.bookings.blocks import demand_paid, demand_unblocked
from kotally.bookings.company import demand_allowed
from kotally.bookings.funding import (
    Funding,
    Terms,
    place_hold,
    terms_in,
    terms_of,
    would_fund,
)
from kotally.bookings.lending import Lender
from kotally.bookings.provisional import plan_ahead
from kotally.bookings.records import Booking, answer_of
from kotally.bookings.terms import closes_at
from kotally.bookings.wishes import Wish, draft_of
from kotally.core.calendar import iso
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


async def place(
    db: Database, location_id: str, wish: Wish, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Place a booking.

    Codes: `booked`, `booked_provisionally`, `booked_unfunded`, `waitlisted`, DUPLICATE_EVENT,
    BILLING_SUSPENDED, BOOKING_BLOCKED, PAST_DUE, TOO_MANY_OPEN_BOOKINGS, CAP_REACHED and the
    refusals of a deduction; for somebody else also CONTACT_NOT_FOUND, NOT_SHARED, GUEST_IS_OWNER,
    GUESTS_NOT_ALLOWED, GUEST_NOT_NEW, GUEST_VISITS_USED; of named lots LOT_NOT_USABLE.
    """

    async def work(scene: Scene) -> Done:
        return await _place(scene, wish)

    return await play(db, location_id, "booking", key=key, work=work, preview=preview)


async def _place(scene: Scene, wish: Wish) -> Done:
    draft = await draft_of(scene, wish)
    lenders = (
        await lending.lenders_of(scene.tx, scene.location_id, draft.contact_id)
        if _may_borrow(draft)
        else []
    )
    await scene.lock(sorted({*draft.people, *(lender.id for lender in lenders)}))
    await _demand_new(scene, draft, draft.person_id)
    await demand_allowed(scene, draft.contact_id, draft.made_for)
    draft = await _paid_by(scene, draft, lenders, booked_by=wish.company.booked_by)
    if draft.beneficiary_id is not None:
        await _demand_new(scene, draft, draft.contact_id)
    if wish.waitlist:
        # Whoever still waits when the class begins waits for nothing.
        booking, facts = replace(draft, status="waitlisted", closes_at=draft.starts_at), {}
    else:
        booking, facts = await fund(scene, draft, allow_unfunded=wish.allow_unfunded)
    await records.insert(scene, booking)
    code = _CODES[booking.status]
    await records.tell(
        scene,
        booking,
        f"booking_{booking.status}",
        entitlement_id=booking.entitlement_id,
        booking_id=booking.id,
        class_ref=booking.class_ref,
        starts_at=iso(booking.starts_at),
    )
    facts.setdefault("balance_after", await scene.balance(booking.contact_id))
    return Done(code, answer_of(booking, **facts))


async def _demand_new(scene: Scene, draft: Booking, contact_id: UUID) -> None:
    known = await records.of_reference(scene, contact_id, draft.external_ref)
    if known is not None:
        raise Declined("DUPLICATE_EVENT", **answer_of(known))


def _may_borrow(draft: Booking) -> bool:
    """Tell whether credits that others share may pay, too: not when it was said whose do."""
    return draft.beneficiary_id is None and not draft.lots


async def _paid_by(
    scene: Scene, draft: Booking, lenders: list[Lender], *, booked_by: str | None
) -> Booking:
    """
    Return the booking under whose credits pay for it: the contact's own, or else a lender's (S1.1).

    One lender pays for all of it, the one who shared first if there are several. If nobody can pay
    now, whose next period can, or else whose refusal says more than that there is nothing.
    """
    own = (await would_fund(scene, draft)).code if lenders else "eligible"
    if own not in lending.SHORT:
        return draft
    lent = [_lent_by(lender, draft, booked_by or scene.key.actor) for lender in lenders]
    codes = [(await would_fund(scene, each)).code for each in lent]
    if "eligible" in codes:
        return lent[codes.index("eligible")]
    for each in (draft, *lent):
        if await plan_ahead(scene, each) is not None:
            return each
    said = [each for each, code in zip(lent, codes, strict=True) if code != "NO_ENTITLEMENT"]
    return said[0] if said and own == "NO_ENTITLEMENT" else draft


def _lent_by(lender: Lender, draft: Booking, booked_by: str) -> Booking:
    return replace(
        draft,
        contact_id=lender.id,
        external_contact_id=lender.external_id,
        beneficiary_id=draft.contact_id,
        booked_by=booked_by,
    )


async def fund(
    scene: Scene, draft: Booking, *, allow_unfunded: bool = False
) -> tuple[Booking, dict[str, Any]]:
    """
    Find what pays for a booking and take it, under the rules of the plan that pays.

    Returns the booking as it stands then, not yet written, and what there is to say of the money;
    leaves with `Declined` when nothing pays.
    """
    await demand_active(scene)
    await demand_unblocked(
        scene, draft.person_id, owner_id=draft.contact_id, at=max(draft.starts_at, scene.now)
    )
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
    if found.code in _SHORT:
        await demand_paid(scene, draft)
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
          from kotally.narrowed($1, $2, kotally.spending_of($1, $2, $7), $8) s
         where s.plans is not null
        """,
        scene.location_id,
        draft.contact_id,
        draft.product_config_id,
        draft.calendar_id,
        draft.units,
        max(draft.starts_at, scene.now),
        scene.now,
        draft.made_for.args(),
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
    """Refuse more open bookings of a plan than it allows a person at once (S3.5, S12.4)."""
    most = booking.rules.max_open_bookings
    if most is None:
        return
    count: int = await scene.tx.fetchval(
        """
        select count(*) from kotally.bookings b
         where b.location_id = $1 and b.contact_id = $2 and b.entitlement_id = $3 and b.id <> $4
           and b.beneficiary_id is not distinct from $6
           and b.starts_at > $5 and b.status in ('booked', 'provisional', 'unfunded')
        """,
        scene.location_id,
        booking.contact_id,
        booking.entitlement_id,
        booking.id,
        scene.now,
        booking.beneficiary_id,
    )
    if count >= most:
        raise Declined("TOO_MANY_OPEN_BOOKINGS", open=count, max_open_bookings=most)
