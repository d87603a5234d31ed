"""Freezes as rows: what one is, and how it is read and written inside a scene."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, Literal, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from kotally.core.calendar import local_midnight
from kotally.core.ids import new_id
from kotally.db import Queries
from kotally.ledger.scenes import Scene
from kotally.memberships.freezes_limits import Span

Mode = Literal["shift", "prorate", "keep"]
Status = Literal["planned", "running", "ended", "cancelled"]


class Freeze(Struct, frozen=True, kw_only=True):
    """
    A freeze of a membership by local dates `[starts_on, resumes_on)`.

    `shifted_days` is by how many days it has moved the membership's periods so far.
    """

    id: UUID
    membership_id: UUID
    contact_id: UUID
    starts_on: date
    resumes_on: date
    starts_at: datetime
    resumes_at: datetime
    mode: Mode
    covers_packs: bool
    status: Status
    blocker_id: UUID
    days_used: int | None = None
    shifted_days: int = 0
    fee_ids: list[UUID] = []
    overridden: list[str] = []
    override_reason: str | None = None
    note: str | None = None
    created_at: datetime

    @property
    def span(self) -> Span:
        """Be its dates."""
        return Span(self.starts_on, self.resumes_on)

    def until(self, resumes_on: date, zone: ZoneInfo) -> Freeze:
        """Return it with another end."""
        return msgspec.structs.replace(
            self, resumes_on=resumes_on, resumes_at=local_midnight(resumes_on, zone)
        )


_SELECT: Final[LiteralString] = """
    select f.id, f.membership_id, f.contact_id, f.starts_on, f.resumes_on, f.starts_at,
           f.resumes_at, f.mode, f.covers_packs, f.status, f.blocker_id, f.days_used,
           f.shifted_days, f.fee_ids, f.overridden, f.override_reason, f.note, f.created_at
      from kotally.freezes f
     where f.location_id = $1
"""


async def of_membership(db: Queries, location_id: str, membership_id: UUID) -> list[Freeze]:
    """Read the freezes of a membership that were not cancelled, by their dates."""
    return await db.rows(
        Freeze,
        _SELECT + " and f.membership_id = $2 and f.status <> 'cancelled' order by f.starts_on",
        location_id,
        membership_id,
    )


async def due(
    db: Queries, location_id: str, contact_ids: Sequence[UUID], *, now: datetime
) -> list[Freeze]:
    """Read the freezes of these contacts that have to begin or to end by now, oldest first."""
    return await db.rows(
        Freeze,
        _SELECT
        + """ and f.contact_id = any ($2)
              and (f.status = 'planned' and f.starts_at <= $3
                   or f.status in ('planned', 'running') and f.resumes_at <= $3)
            order by f.starts_on, f.id""",
        location_id,
        list(contact_ids),
        now,
    )


async def insert(scene: Scene, freeze: Freeze) -> None:
    """Write a new freeze, and the blocker by which its membership pays for nothing (S8.2)."""
    await scene.tx.execute(
        """
        insert into kotally.blockers (
          location_id, id, contact_id, entitlement_id, kind, starts_at, ends_at, source, message,
          created_at)
        values ($1, $2, $3, $4, 'freeze', $5, $6, $7, 'The membership is frozen.', $8)
        """,
        scene.location_id,
        freeze.blocker_id,
        freeze.contact_id,
        freeze.membership_id,
        freeze.starts_at,
        freeze.resumes_at,
        f"freeze:{freeze.id}",
        scene.now,
    )
    await scene.tx.execute(
        """
        insert into kotally.freezes (
          location_id, id, membership_id, contact_id, starts_on, resumes_on, starts_at, resumes_at,
          mode, covers_packs, status, blocker_id, overridden, override_reason, note, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        """,
        scene.location_id,
        freeze.id,
        freeze.membership_id,
        freeze.contact_id,
        freeze.starts_on,
        freeze.resumes_on,
        freeze.starts_at,
        freeze.resumes_at,
        freeze.mode,
        freeze.covers_packs,
        freeze.status,
        freeze.blocker_id,
        freeze.overridden,
        freeze.override_reason,
        freeze.note,
        freeze.created_at,
    )


async def update(scene: Scene, freeze: Freeze) -> None:
    """Write what has become of a freeze; its blocker ends with it."""
    await scene.tx.execute(
        """
        update kotally.freezes
           set resumes_on = $3, resumes_at = $4, status = $5, days_used = $6, shifted_days = $7,
               overridden = $8, override_reason = $9, fee_ids = $10
         where location_id = $1 and id = $2
        """,
        scene.location_id,
        freeze.id,
        freeze.resumes_on,
        freeze.resumes_at,
        freeze.status,
        freeze.days_used,
        freeze.shifted_days,
        freeze.overridden,
        freeze.override_reason,
        freeze.fee_ids,
    )
    await scene.tx.execute(
        "update kotally.blockers set ends_at = $3 where location_id = $1 and id = $2",
        scene.location_id,
        freeze.blocker_id,
        freeze.resumes_at,
    )


async def unblock(scene: Scene, freeze: Freeze) -> None:
    """Remove the blocker of a freeze that never began."""
    await scene.tx.execute(
        "delete from kotally.blockers where location_id = $1 and id = $2",
        scene.location_id,
        freeze.blocker_id,
    )


def planned(scene: Scene, membership_id: UUID, contact_id: UUID, *, span: Span) -> Freeze:
    """Make a freeze that nobody has written yet; its mode and its covering are to be said."""
    return Freeze(
        id=new_id(),
        membership_id=membership_id,
        contact_id=contact_id,
        starts_on=span.starts_on,
        resumes_on=span.resumes_on,
        starts_at=local_midnight(span.starts_on, scene.zone),
        resumes_at=local_midnight(span.resumes_on, scene.zone),
        mode="shift",
        covers_packs=False,
        status="planned",
        blocker_id=new_id(),
        created_at=scene.now,
    )
