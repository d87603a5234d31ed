"""
An unpaid renewal: days of grace, then past due, then its bookings go, then it ends (S11).

The credits of the old period wait for the payment meanwhile (S7.7); recovery is the payment's
own turn in `renewals`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.scenes import Done, Scene, play
from kotally.ledger.swept import Swept
from kotally.memberships import renewals
from kotally.memberships.cancellations import NothingDue, sweep_key
from kotally.memberships.commitments import abandon_provisional, give_up, release
from kotally.memberships.endings import end
from kotally.memberships.memberships import Membership
from kotally.memberships.periods import days_after
from kotally.memberships.writing import blocker_source, write_memberships

Stage = Literal["overdue", "past_due", "released", "ended"]
_DUE: Final[LiteralString] = """
    select m.id, m.renews_at
      from kotally.memberships m
     where m.location_id = $1 and m.renews_at <= kotally.location_now($1) and m.status <> 'ended'
       and not m.renews_itself and m.renews_at >= m.period_ends_at
       and m.paid_number = m.period_number and (m.ends_at is null or m.ends_at > m.renews_at)
       and not exists (
         select from kotally.freezes f
          where f.location_id = $1 and f.membership_id = m.id and f.mode = 'shift'
            and f.status in ('planned', 'running') and f.starts_at <= m.period_ends_at)
       and ($3::uuid is null or m.contact_id = $3)
     order by m.renews_at
     limit $2
"""
_LINES: Final[dict[Stage, str]] = {
    "overdue": "was not paid for its next period",
    "past_due": "is past due",
    "released": "lost its bookings, being past due",
    "ended": "ended unpaid",
}


class Step(Struct, frozen=True, order=True):
    """A stage of arrears and when it is reached."""

    at: datetime
    stage: Stage


def steps(membership: Membership, *, zone: ZoneInfo) -> list[Step]:
    """Return the stages of an unpaid membership in order, counted in local days (S11)."""
    rule, boundary = membership.plan.rules.arrears, membership.period_ends_at
    found = [
        Step(boundary, "overdue"),
        Step(days_after(boundary, rule.grace_days, zone=zone), "past_due"),
        Step(days_after(boundary, rule.hold_days, zone=zone), "released"),
    ]
    if rule.cancel_after_days is not None:
        found.append(Step(days_after(boundary, rule.cancel_after_days, zone=zone), "ended"))
    # Equal times keep the order of the stages.
    return sorted(found, key=lambda step: step.at)


async def advance_due(
    db: Database, location_id: str, *, limit: int, contact_id: UUID | None = None
) -> Swept:
    """Take unpaid memberships to the stages they have reached, as of when they reached them."""
    events: list[str] = []
    for row in await db.fetch(_DUE, location_id, limit, contact_id):
        events += await _advance(db, location_id, row["id"], since=row["renews_at"])
    return Swept(len(events), events)


async def _advance(
    db: Database, location_id: str, membership_id: UUID, *, since: datetime
) -> list[str]:
    async def work(scene: Scene) -> Done:
        await renewals.locked(scene, membership_id)
        state, ahead = await renewals.up_to_date(scene, membership_id)
        membership = state.membership
        if ahead or membership.renews_at != since or membership.status == "ended":
            raise NothingDue
        every = steps(membership, zone=scene.zone)
        reached = [step for step in every if since <= step.at <= scene.now]
        later = [step.at for step in every if step.at > scene.now]
        for step in reached:
            membership = await _take(scene, membership, step)
        if membership.status != "ended":
            after = msgspec.structs.replace(membership, renews_at=later[0] if later else None)
            await write_memberships(scene.tx, scene.location_id, [after])
        return Done("arrears_advanced", {"stages": [step.stage for step in reached]})

    request_id = f"arrears:{membership_id}:{iso(since)}"
    key = sweep_key("sweep:advance_due", request_id, location_id)
    try:
        outcome = await play(db, location_id, "advance arrears", key=key, work=work)
    except NothingDue:
        return []
    if outcome.replayed or outcome.code != "arrears_advanced":
        return []
    stages: list[Stage] = msgspec.json.decode(outcome.answer)["stages"]
    return [f"membership {membership_id} {_LINES[stage]}" for stage in stages]


async def _take(scene: Scene, membership: Membership, step: Step) -> Membership:
    if step.stage == "overdue":
        return msgspec.structs.replace(membership, past_due_since=step.at)
    note = "the membership is past due"
    since = max(step.at, membership.period_ends_at)
    if step.stage == "past_due":
        await _block(scene, membership, step.at)
        await abandon_provisional(scene, membership, since=since, note=note, still_its=True)
        return msgspec.structs.replace(membership, status="past_due")
    if step.stage == "released":
        await release(scene, membership, since=since, becomes="cancelled", note=note)
        await give_up(scene, membership, since=since, note=note)
        return membership
    await end(scene, membership, at=step.at, reason="unpaid")
    return msgspec.structs.replace(membership, status="ended")


async def _block(scene: Scene, membership: Membership, at: datetime) -> None:
    """Refuse new bookings with the membership, or with all the member has (S11.1)."""
    is_member = membership.plan.rules.arrears.scope == "member"
    await scene.tx.execute(
        """
        insert into kotally.blockers (
          location_id, id, contact_id, entitlement_id, kind, starts_at, source, message, created_at)
        values ($1, $2, $3, $4, 'past_due', $5, $6, $7, $8)
        """,
        scene.location_id,
        new_id(),
        membership.contact_id,
        None if is_member else membership.id,
        at,
        blocker_source(membership.id),
        "The payment for the next period of the membership is overdue.",
        scene.now,
    )
    await scene.happened(
        membership.contact_id,
        "membership_past_due",
        entitlement_id=membership.id,
        since=membership.period_ends_at,
    )
