"""What follows when strikes reach a threshold: a block, a fee or a look by staff (S5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from kotally.bookings import fees
from kotally.bookings.records import Booking
from kotally.bookings.strikes import still_reached
from kotally.bookings.terms import Kind
from kotally.core.calendar import iso, local_date, local_midnight
from kotally.core.ids import new_id
from kotally.ledger.scenes import Scene
from kotally.products.policies import Penalty
from kotally.products.wording import counted
from kotally.workspaces import work_items


async def fire(
    scene: Scene, booking: Booking, *, kind: Kind, strike_id: UUID, at: datetime
) -> dict[str, Any]:
    """Do what the rule says at the strike that reaches the threshold; once per crossing."""
    rule = booking.rules.penalty
    assert rule is not None, "only a rule can be crossed"
    facts: dict[str, Any] = {"penalty": rule.action}
    penalty_id, blocker_id, fee_id = new_id(), None, None
    if rule.action == "block":
        blocker_id, until = await _block(scene, booking, rule, at=at)
        facts["blocked_until"] = iso(until)
    elif rule.action == "fee" and rule.fee_cents:
        fee_id = await fees.charge(scene, booking.person_id, rule.fee_cents, reason="strikes")
        facts["penalty_fee_id"] = fee_id
    elif rule.action == "review":
        details = {"penalty_id": str(penalty_id), "strikes": kind, "threshold": rule.threshold}
        await work_items.put(
            scene, booking.person_id, None, kind="strikes_reached", details=details
        )
    await scene.tx.execute(
        """
        insert into kotally.penalties (
          location_id, id, contact_id, strike_id, kind, action, threshold, blocker_id, fee_id,
          created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        scene.location_id,
        penalty_id,
        booking.person_id,
        strike_id,
        kind,
        rule.action,
        rule.threshold,
        blocker_id,
        fee_id,
        scene.now,
    )
    await scene.happened(booking.person_id, "penalty_fired", kind=kind, **facts)
    return facts


async def _block(
    scene: Scene, booking: Booking, rule: Penalty, *, at: datetime
) -> tuple[UUID, datetime]:
    """Block booking for so many local days; the day it begins is day 0."""
    on = local_date(at, scene.zone) + timedelta(days=rule.block_days)
    blocker_id, until = new_id(), max(local_midnight(on, scene.zone), at)
    await scene.tx.execute(
        """
        insert into kotally.blockers (
          location_id, id, contact_id, kind, starts_at, ends_at, source, message, created_at)
        values ($1, $2, $3, 'penalty', $4, $5, 'strikes', $6, $7)
        """,
        scene.location_id,
        blocker_id,
        booking.person_id,
        at,
        until,
        f"Booking is blocked after {counted(rule.threshold, 'strike')}.",
        scene.now,
    )
    return blocker_id, until


async def lift_unreached(
    scene: Scene, booking: Booking, *, kind: Kind, left: Sequence[date]
) -> list[UUID]:
    """Lift the penalties of a kind that the strikes that are left do not reach (S5.7)."""
    rows = await scene.tx.fetch(
        """
        select p.id, p.threshold, p.blocker_id, p.fee_id, s.class_at
          from kotally.penalties p
          join kotally.strikes s on s.location_id = p.location_id and s.id = p.strike_id
         where p.location_id = $1 and p.contact_id = $2 and p.kind = $3 and p.lifted_at is null
        """,
        scene.location_id,
        booking.person_id,
        kind,
    )
    lifted = [
        row
        for row in rows
        if not still_reached(
            booking.rules,
            left,
            crossed_on=local_date(row["class_at"], scene.zone),
            threshold=row["threshold"],
        )
    ]
    for row in lifted:
        await _lift(scene, booking, row)
    return [row["id"] for row in lifted]


async def _lift(scene: Scene, booking: Booking, row: Any) -> None:  # noqa: ANN401 - a record of the driver
    await scene.tx.execute(
        "update kotally.penalties p set lifted_at = $3 where p.location_id = $1 and p.id = $2",
        scene.location_id,
        row["id"],
        scene.now,
    )
    # Only its own blocker: removing one never removes another (S0).
    if row["blocker_id"] is not None:
        await scene.tx.execute(
            "delete from kotally.blockers b where b.location_id = $1 and b.id = $2",
            scene.location_id,
            row["blocker_id"],
        )
    if row["fee_id"] is not None:
        await fees.close(scene, row["fee_id"], "waived", note="corrected")
    about = {"penalty_id": str(row["id"])}
    await work_items.withdraw(scene, "strikes_reached", about=about, note="corrected")
    await scene.happened(booking.person_id, "penalty_lifted", penalty_id=row["id"])
