"""What lateness and absence lead to beside the credits: strikes, fees, penalties (S5.3 to S5.7)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from kotally.bookings import fees, penalties
from kotally.bookings.records import Booking
from kotally.bookings.strikes import Verdict, judge
from kotally.bookings.terms import Cost, Kind
from kotally.core.calendar import local_date
from kotally.core.ids import new_id
from kotally.ledger.scenes import Scene


async def impose(scene: Scene, booking: Booking, cost: Cost, *, at: datetime) -> dict[str, Any]:
    """
    Record the strike, the fee and the penalty of a late cancellation or an absence.

    A strike within the free allowance is recorded as forgiven and costs no fee; the contact is
    told either way (S5.4). What was paid of the booking's fees before it was settled anew counts.
    Returns what there is to say.
    """
    facts: dict[str, Any] = {}
    verdict = None
    if cost.strike:
        verdict = await _strike(scene, booking, cost, facts=facts)
    if cost.fee_cents and not (verdict and verdict.forgiven):
        facts |= await _fee(scene, booking, cost)
    if verdict and verdict.crosses:
        facts |= await penalties.fire(
            scene, booking, kind=cost.kind, strike_id=facts["strike_id"], at=at
        )
    return facts


async def _fee(scene: Scene, booking: Booking, cost: Cost) -> dict[str, Any]:
    cents = cost.fee_cents - await fees.paid_of_booking(scene, booking.id)
    if cents <= 0:
        return {}
    fee_id = await fees.charge(
        scene,
        booking.person_id,
        cents,
        reason=cost.kind,
        booking_id=booking.id,
        entitlement_id=booking.entitlement_id,
    )
    return {"fee_id": fee_id, "fee_cents": cents}


async def _strike(scene: Scene, booking: Booking, cost: Cost, *, facts: dict[str, Any]) -> Verdict:
    on = local_date(booking.starts_at, scene.zone)
    verdict = judge(booking.rules, await _days(scene, booking.person_id, cost.kind), on)
    strike_id = new_id()
    await scene.tx.execute(
        """
        insert into kotally.strikes (
          location_id, id, contact_id, booking_id, kind, class_at, is_forgiven, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        scene.location_id,
        strike_id,
        booking.person_id,
        booking.id,
        cost.kind,
        booking.starts_at,
        verdict.forgiven,
        scene.now,
    )
    facts |= {
        "strike_id": strike_id,
        "strike_count": verdict.count,
        "strike_forgiven": verdict.forgiven,
    }
    await _tell_strike(scene, booking, cost.kind, count=verdict.count, is_forgiven=verdict.forgiven)
    return verdict


async def _tell_strike(
    scene: Scene, booking: Booking, kind: Kind, *, count: int, is_forgiven: bool
) -> None:
    await scene.happened(
        booking.person_id,
        "strike_forgiven" if is_forgiven else "strike_recorded",
        booking_id=booking.id,
        kind=kind,
        count=count,
        free_allowance=booking.rules.free_allowance,
    )


class Standing(Struct, frozen=True, kw_only=True):
    """What stands against a person for one booking: strikes, and fees that are due."""

    strikes: list[UUID] = []
    fees: list[UUID] = []


async def standing(scene: Scene, booking: Booking) -> Standing:
    """Return what stands for a booking, and is reversed with it."""
    rows = await scene.tx.fetch(
        "select s.id from kotally.strikes s"
        " where s.location_id = $1 and s.booking_id = $2 and s.reversed_at is null order by s.id",
        scene.location_id,
        booking.id,
    )
    return Standing(
        strikes=[row["id"] for row in rows],
        fees=await fees.due_of_booking(scene, booking.id),
    )


async def reinstate(scene: Scene, booking: Booking, before: Standing) -> None:
    """
    Put back the strikes and the fees that a reversal took, as they were.

    A threshold that is reached with them fires, from when the booking was settled.
    """
    for strike_id in before.strikes:
        row = await scene.tx.fetchrow(
            "select s.kind, s.class_at, s.is_forgiven from kotally.strikes s"
            " where s.location_id = $1 and s.id = $2",
            scene.location_id,
            strike_id,
        )
        assert row is not None, "strikes are never removed"
        kind: Kind = row["kind"]
        others = await _days(scene, booking.person_id, kind)
        verdict = judge(booking.rules, others, local_date(row["class_at"], scene.zone))
        await scene.tx.execute(
            "update kotally.strikes s set reversed_at = null"
            " where s.location_id = $1 and s.id = $2",
            scene.location_id,
            strike_id,
        )
        await _tell_strike(
            scene, booking, kind, count=verdict.count, is_forgiven=row["is_forgiven"]
        )
        if verdict.crosses:
            at = booking.settled_at or scene.now
            await penalties.fire(scene, booking, kind=kind, strike_id=strike_id, at=at)
    await fees.charge_again(scene, before.fees)


async def reverse(scene: Scene, booking: Booking) -> dict[str, Any]:
    """
    Take back the strikes and the fees of a booking, and the penalties they led to (S5.7).

    A penalty is lifted only if the strikes that are left do not reach its threshold. A fee that
    was paid stays paid; money goes back through its payment.
    """
    rows = await scene.tx.fetch(
        """
        update kotally.strikes s set reversed_at = $3
         where s.location_id = $1 and s.booking_id = $2 and s.reversed_at is null
        returning s.id, s.kind
        """,
        scene.location_id,
        booking.id,
        scene.now,
    )
    waived = [
        fee_id
        for fee_id in await fees.due_of_booking(scene, booking.id)
        if await fees.close(scene, fee_id, "waived", note="corrected")
    ]
    lifted: list[UUID] = []
    for kind in sorted({row["kind"] for row in rows}):
        left = await _days(scene, booking.person_id, kind)
        lifted += await penalties.lift_unreached(scene, booking, kind=kind, left=left)
    facts: dict[str, Any] = {}
    if rows:
        facts["strikes_reversed"] = len(rows)
    if waived:
        facts["fees_waived"] = waived
    if lifted:
        facts["penalties_lifted"] = lifted
    return facts


async def _days(scene: Scene, contact_id: UUID, kind: str) -> list[date]:
    """Return the local class dates of the contact's strikes of a kind, whatever the plan."""
    rows = await scene.tx.fetch(
        """
        select s.class_at from kotally.strikes s
         where s.location_id = $1 and s.contact_id = $2 and s.kind = $3 and s.reversed_at is null
           and s.class_at > $4
        """,
        scene.location_id,
        contact_id,
        kind,
        scene.now - timedelta(days=_LOOK_BACK_DAYS),
    )
    return [local_date(row["class_at"], scene.zone) for row in rows]


_LOOK_BACK_DAYS = 3_700  # beyond the longest window a rule can have
