"""Let credits live longer than they were to: one lot, for a reason (S6.7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from kotally.core.calendar import iso, local_date, local_midnight
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.plans import Entry, Posting
from kotally.ledger.scenes import Declined, Done, Scene, play

# Until when credits are shown to live: after the freezes that cover them (S8.4).
_SHOWN: Final[LiteralString] = """
    select l.id, l.contact_id, coalesce(l.projected_expires_at, l.expires_at) as expires_at,
           l.expired
      from kotally.lots l
     where l.location_id = $1 and l.id = $2 and l.expires_at is not null
"""
_BEFORE_FREEZES: Final[LiteralString] = """
    select kotally.expiry_before_freezes(l, $3, t.timezone)
      from kotally.lots l
      join kotally.locations t on t.id = $1
     where l.location_id = $1 and l.id = $2
"""


class Expiring(Struct, frozen=True, kw_only=True):
    """A lot that expires, or has expired."""

    id: UUID
    contact_id: UUID
    expires_at: datetime
    expired: int


async def extend_lot(
    db: Database,
    location_id: str,
    lot_id: UUID,
    *,
    valid_to: date,
    reason: str,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Make a local date the last on which a lot is good; what had expired of it comes back.

    Under a freeze that date is the one that is shown, with the frozen days in it. Codes:
    `expiry_extended`, LOT_NOT_FOUND, LOT_NEVER_EXPIRES, EXPIRY_NOT_LATER with the first date that
    would be.
    """

    async def work(scene: Scene) -> Done:
        lot = await _locked(scene, lot_id)
        to_at = local_midnight(valid_to + timedelta(days=1), scene.zone)
        if to_at <= lot.expires_at:
            first = local_date(lot.expires_at, scene.zone)
            raise Declined("EXPIRY_NOT_LATER", lot_id=lot_id, allowed={"valid_to": first})
        revived = revivals(scene, [lot]) if to_at > scene.now else []
        stored_at = await scene.tx.fetchval(_BEFORE_FREEZES, scene.location_id, lot_id, to_at)
        await scene.change_expiry(lot_id, stored_at, reason="expiry_extended")
        await scene.post(revived)
        await scene.tx.execute(
            "select kotally.project_lots($1, $2)", scene.location_id, lot.contact_id
        )
        after = await scene.tx.one(Expiring, _SHOWN, scene.location_id, lot_id)
        assert after is not None, "it was given an expiry"
        await scene.happened(
            lot.contact_id,
            "expiry_changed",
            lot_id=lot_id,
            from_at=lot.expires_at,
            to_at=after.expires_at,
            reason=reason,
        )
        answer = await _answer(scene, lot, after.expires_at, revived=revived)
        return Done("expiry_extended", answer)

    operation = f"extend {lot_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


def revivals(scene: Scene, lots: Sequence[Expiring]) -> list[Posting]:
    """Make the reverse of what expired of lots, a posting a contact."""
    entries: dict[UUID, list[Entry]] = {}
    for lot in lots:
        if lot.expired:
            entry = Entry(lot.id, "expired", "available", lot.expired)
            entries.setdefault(lot.contact_id, []).append(entry)
    return [
        scene.posting(
            contact_id, "expire", "expiry_extended", entries=moved, effective_at=scene.now
        )
        for contact_id, moved in entries.items()
    ]


async def _locked(scene: Scene, lot_id: UUID) -> Expiring:
    contact_id = await scene.tx.fetchval(
        "select l.contact_id from kotally.lots l where l.location_id = $1 and l.id = $2",
        scene.location_id,
        lot_id,
    )
    if contact_id is None:
        raise Declined("LOT_NOT_FOUND")
    await scene.lock([contact_id])
    await scene.expire([contact_id])
    lot = await scene.tx.one(Expiring, _SHOWN, scene.location_id, lot_id)
    if lot is None:
        raise Declined("LOT_NEVER_EXPIRES", lot_id=lot_id)
    return lot


async def _answer(
    scene: Scene, lot: Expiring, to_at: datetime, *, revived: Sequence[Posting]
) -> dict[str, Any]:
    return {
        "lot_id": lot.id,
        "contact_id": lot.contact_id,
        "expires_before": iso(lot.expires_at),
        "expires_at": iso(to_at),
        "credits_revived": sum(entry.amount for each in revived for entry in each.entries),
        "balance_after": await scene.balance(lot.contact_id),
    }
