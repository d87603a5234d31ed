"""What waits for another person's word (S12.2): it has no effect until somebody else agrees."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.scenes import Declined, Scene
from kotally.ledger.swept import Swept

LAPSES_AFTER_DAYS: Final = 7


class Approval(Struct, frozen=True, kw_only=True):
    """A request that was over the limits of whoever made it."""

    id: UUID
    operation: str
    contact_id: UUID
    body: dict[str, Any]
    requested_by: str
    requested_at: datetime
    lapses_at: datetime
    status: str
    decided_by: str | None
    decided_at: datetime | None


async def ask(
    scene: Scene, operation: str, contact_id: UUID, *, body: dict[str, Any]
) -> tuple[UUID, datetime]:
    """Keep what was asked for; returns its id and when it lapses."""
    approval_id, lapses_at = new_id(), scene.now + timedelta(days=LAPSES_AFTER_DAYS)
    await scene.tx.execute(
        """
        insert into kotally.approvals (
          location_id, id, operation, contact_id, body, requested_by, requested_at, lapses_at,
          status)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 'pending')
        """,
        scene.location_id,
        approval_id,
        operation,
        contact_id,
        body,
        scene.key.actor,
        scene.now,
        lapses_at,
    )
    return approval_id, lapses_at


async def to_decide(scene: Scene, approval_id: UUID) -> Approval:
    """
    Lock the contact of a request and read it for a decision.

    Declines what is unknown, decided or lapsed already.
    """
    seen = await _find(scene, approval_id)
    if seen is None:
        raise Declined("APPROVAL_NOT_FOUND")
    await scene.lock([seen.contact_id])
    approval = await _find(scene, approval_id)
    assert approval is not None, "approvals are never removed"
    if approval.status == "lapsed" or (
        approval.status == "pending" and approval.lapses_at <= scene.now
    ):
        raise Declined(
            "APPROVAL_LAPSED", approval_id=approval_id, lapsed_at=iso(approval.lapses_at)
        )
    if approval.status != "pending":
        raise Declined(
            "APPROVAL_ALREADY_DECIDED",
            approval_id=approval_id,
            status=approval.status,
            decided_at=iso(approval.decided_at or scene.now),
        )
    return approval


async def decide(scene: Scene, approval: Approval, *, approved: bool, note: str | None) -> None:
    """Note the decision; to agree takes another person than the one who asked."""
    if approved and approval.requested_by == scene.key.actor:
        raise Declined(
            "APPROVAL_NEEDS_ANOTHER_PERSON",
            approval_id=approval.id,
            requested_by=approval.requested_by,
        )
    await scene.tx.execute(
        """
        update kotally.approvals a
           set status = $3, decided_by = $4, decided_at = $5, note = $6
         where a.location_id = $1 and a.id = $2
        """,
        scene.location_id,
        approval.id,
        "approved" if approved else "rejected",
        scene.key.actor,
        scene.now,
        note,
    )


async def lapse_due(db: Database, location_id: str, *, limit: int) -> Swept:
    """Close requests that nobody decided in time; they had no effect and have none."""
    rows = await db.fetch(
        """
        update kotally.approvals a
           set status = 'lapsed', decided_at = a.lapses_at
         where a.location_id = $1 and a.id in (
           select d.id from kotally.approvals d
            where d.location_id = $1 and d.status = 'pending'
              and d.lapses_at <= kotally.location_now($1)
            order by d.lapses_at limit $2
              for no key update skip locked)
        returning a.operation, a.requested_by
        """,
        location_id,
        limit,
    )
    return Swept(
        len(rows),
        [f"{row['operation']} that {row['requested_by']} asked for lapsed" for row in rows],
    )


async def _find(scene: Scene, approval_id: UUID) -> Approval | None:
    return await scene.tx.one(
        Approval,
        """
        select a.id, a.operation, a.contact_id, a.body, a.requested_by, a.requested_at,
               a.lapses_at, a.status, a.decided_by, a.decided_at
          from kotally.approvals a
         where a.location_id = $1 and a.id = $2
        """,
        scene.location_id,
        approval_id,
    )
