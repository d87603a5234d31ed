"""The end of a membership: what is left of its credits, and of the bookings it paid for (S9.7)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.ledger.plans import Entry
from kotally.ledger.scenes import Scene
from kotally.memberships import memberships
from kotally.memberships.commitments import Commitment, abandon_provisional, release
from kotally.memberships.extensions import Expiring, revivals
from kotally.memberships.freezes_turning import stop
from kotally.memberships.memberships import Lot, Membership
from kotally.memberships.periods import days_after
from kotally.memberships.writing import unblock, write_memberships
from kotally.products.policies import Leftover

EndReason = Literal["cancelled", "unpaid"]


class Ended(Struct, frozen=True, kw_only=True):
    """What an end came to."""

    credits_expired: int
    credits_kept: int
    kept_until: datetime | None
    bookings_cancelled: list[Commitment]


async def end(scene: Scene, membership: Membership, *, at: datetime, reason: EndReason) -> Ended:
    """
    End a membership as of an instant that has come; the scene holds the contact's lock.

    Bookings from then on stay if credits that are kept pay for them.
    """
    await stop(scene, membership.id, at)
    rule = membership.plan.rules.ending.leftover
    kept = rule != "expire_at_end"
    gone = await release(
        scene,
        membership,
        since=at,
        becomes="cancelled",
        note=f"membership ended: {reason}",
        keeps=lambda each: kept and each.credits > 0 and each.lots_end is not None,
    )
    await abandon_provisional(scene, membership, since=at, note=f"membership ended: {reason}")
    if rule == "keep_days":
        await _revive(scene, membership, at=at)
    found = await memberships.load_lots(scene.tx, scene.location_id, [membership.id])
    lots = [
        lot
        for lot in found[membership.id]
        if (lot.available or lot.held) and not _had_expired(lot, at, rule=rule)
    ]
    expired = 0 if kept else await _expire(scene, membership, lots, at=at)
    until = await _extend(scene, membership, lots, at=at) if rule == "keep_days" else None
    await _close(scene, membership, at=at, reason=reason)
    remaining = sum(lot.available for lot in lots) if kept else 0
    await scene.happened(
        membership.contact_id,
        "membership_ended",
        entitlement_id=membership.id,
        reason=reason,
        ended_at=at,
        credits_expired=expired,
        credits_kept=remaining,
        bookings_cancelled=len(gone),
    )
    return Ended(
        credits_expired=expired,
        credits_kept=remaining,
        kept_until=until,
        bookings_cancelled=gone,
    )


def _had_expired(lot: Lot, at: datetime, *, rule: Leftover) -> bool:
    """
    Tell whether a lot was over before, swept or not; what waits for its roll-over was not.

    Nor was what ends with the membership, if that is kept for some days.
    """
    if lot.expires_at is None or lot.rollover is not None:
        return False
    return lot.expires_at < at or (lot.expires_at == at and rule != "keep_days")


async def _revive(scene: Scene, membership: Membership, *, at: datetime) -> None:
    """Give back what a sweep has expired at the very end, before the end itself was done."""
    swept = await scene.tx.rows(
        Expiring,
        """
        select l.id, l.contact_id, l.expires_at, l.expired
          from kotally.lots l
         where l.location_id = $1 and l.entitlement_id = $2 and l.expires_at = $3
           and l.expired > 0
         order by l.id
        """,
        scene.location_id,
        membership.id,
        at,
    )
    await scene.post(revivals(scene, swept))


async def _expire(scene: Scene, membership: Membership, lots: list[Lot], *, at: datetime) -> int:
    left = [lot for lot in lots if lot.available > 0]
    await scene.post(
        [
            scene.posting(
                membership.contact_id,
                "expire",
                "membership_ended",
                entries=[Entry(lot.id, "available", "expired", lot.available)],
                effective_at=at if lot.expires_at is None else min(at, lot.expires_at),
            )
            for lot in left
        ]
    )
    for lot in lots:
        # What is held and comes back after the end is not the member's to spend either.
        if lot.expires_at is None or lot.expires_at > at:
            await scene.change_expiry(lot.id, at, reason="membership_ended")
    return sum(lot.available for lot in left)


async def _extend(
    scene: Scene, membership: Membership, lots: list[Lot], *, at: datetime
) -> datetime:
    until = days_after(at, membership.plan.rules.ending.keep_days, zone=scene.zone)
    for lot in lots:
        if lot.expires_at is not None and lot.expires_at < until:
            await scene.change_expiry(lot.id, until, reason="membership_ended")
    return until


async def _close(scene: Scene, membership: Membership, *, at: datetime, reason: EndReason) -> None:
    after = msgspec.structs.replace(
        membership,
        status="ended",
        ends_at=at,
        renews_at=None,
        expected_next_charge_at=None,
    )
    await write_memberships(scene.tx, scene.location_id, [after])
    await scene.tx.execute(
        """
        update kotally.entitlements e set ends_at = $3, end_reason = $4
         where e.location_id = $1 and e.id = $2
        """,
        scene.location_id,
        membership.id,
        at,
        reason,
    )
    await decide_waiting(scene, membership.id, status="dropped", but_cancel="applied")
    await unblock(scene.tx, scene.location_id, at, ids=[membership.id])


async def decide_waiting(
    scene: Scene,
    membership_id: UUID,
    *,
    status: Literal["dropped", "replaced", "applied"],
    but_cancel: Literal["dropped", "replaced", "applied"] | None = None,
) -> None:
    """Close the change that waits, if there is one."""
    await scene.tx.execute(
        """
        update kotally.membership_changes c
           set status = case when c.kind = 'cancel' then $4 else $3 end, decided_at = $5
         where c.location_id = $1 and c.membership_id = $2 and c.decided_at is null
        """,
        scene.location_id,
        membership_id,
        status,
        but_cancel or status,
        scene.now,
    )
