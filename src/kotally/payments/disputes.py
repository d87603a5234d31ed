"""Disputes: credits are suspended while one is open, and go back or are revoked after (S10.6)."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.plans import Entry
from kotally.ledger.scenes import Done, Scene, play
from kotally.memberships.periods import days_after
from kotally.payments import access, family as families, reinstating
from kotally.payments.family import Dispute, Family
from kotally.payments.refunds import record, tally_of
from kotally.payments.revoking import Brought, answer_of, bring, free

Event = Literal["opened", "won", "lost"]
ONLY_DISPUTE: Final = "dispute"  # a payment has one, unless the provider names them


async def dispute(
    db: Database,
    location_id: str,
    payment_id: UUID,
    *,
    event: Event,
    external_dispute_id: str = ONLY_DISPUTE,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Note what became of a dispute; the news may come twice and in any order.

    The first decision stands, and what is opened after it was decided stays decided.
    Codes: `dispute_opened`, `dispute_won`, `dispute_lost`, PAYMENT_NOT_FOUND.
    """

    async def work(scene: Scene) -> Done:
        family = await families.locked(scene, payment_id)
        known = _known(family, external_dispute_id)
        brought, changed = Brought(), False
        if known is None or (known.status == "open" and event != "opened"):
            brought = await _apply(scene, family, event, ref=external_dispute_id)
            changed = True
        now = _known(await families.load(scene, payment_id), external_dispute_id)
        assert now is not None, "it was written or was there before"
        facts = {
            "external_dispute_id": external_dispute_id,
            "dispute_status": now.status,
            "changed": changed,
        }
        return Done(
            f"dispute_{event}", await tally_of(scene, payment_id) | facts | answer_of(brought)
        )

    operation = f"dispute {payment_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def _apply(scene: Scene, family: Family, event: Event, *, ref: str) -> Brought:
    match event:
        case "opened":
            brought = await _open(scene, family, ref)
        case "won":
            brought = await _close(scene, family, ref, status="won")
        case "lost":
            brought = await _lose(scene, family, ref)
    await record(scene, family, f"dispute_{event}", external_ref=ref, brought=brought)
    return brought


async def _open(scene: Scene, family: Family, ref: str) -> Brought:
    """Suspend what is available and held; the bookings stand without funds for a while."""
    unfunded, released = await free(scene, family, family.holds, why="dispute_opened")
    after = await families.load(scene, family.payment.id)
    entries: dict[UUID, list[Entry]] = {}
    for lot in after.lots:
        if lot.available and not lot.is_expired:
            entries.setdefault(lot.contact_id, []).append(
                Entry(lot.id, "available", "suspended", lot.available)
            )
    await scene.post(
        [
            scene.posting(contact_id, "refund", "dispute_opened", entries=each)
            for contact_id, each in entries.items()
        ]
    )
    await scene.tx.execute(
        """
        insert into kotally.disputes (
          location_id, id, payment_id, contact_id, external_ref, status, opened_at, holds,
          releases_at)
        values ($1, $2, $3, $4, $5, 'open', $6, $7, $8)
        """,
        scene.location_id,
        new_id(),
        family.payment.id,
        family.payment.contact_id,
        ref,
        scene.now,
        msgspec.to_builtins(family.holds),
        _kept_until(scene, family) if unfunded else None,
    )
    await _mark(scene, family)
    return Brought(bookings_unfunded=unfunded, holds_released=released)


async def _lose(scene: Scene, family: Family, ref: str) -> Brought:
    """Treat it as a full refund in the same tally, so that nothing is taken twice."""
    lost = replace(family, payment=replace(family.payment, is_lost=True))
    brought = await bring(scene, lost, reason="dispute_lost")
    await _close(scene, await families.load(scene, family.payment.id), ref, status="lost")
    await access.end_if_returned(scene, lost.payment)
    return brought


async def _close(
    scene: Scene, family: Family, ref: str, *, status: Literal["won", "lost"]
) -> Brought:
    """Decide a dispute; with the last open one what is still suspended goes back."""
    known = _known(family, ref)
    await scene.tx.execute(
        """
        insert into kotally.disputes (
          location_id, id, payment_id, contact_id, external_ref, status, decided_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict on constraint disputes_reference_key
        do update set status = excluded.status, decided_at = excluded.decided_at,
                      releases_at = null
        """,
        scene.location_id,
        known.id if known else new_id(),
        family.payment.id,
        family.payment.contact_id,
        ref,
        status,
        scene.now,
    )
    await _mark(scene, family)
    others = [each for each in family.disputes if each.status == "open" and each != known]
    if known is None:
        return Brought()
    if others:
        await _hand_over(scene, known, others[0])
        return Brought()
    await reinstating.reinstate(scene, family, since=known.opened_at or scene.now)
    return Brought()


async def _hand_over(scene: Scene, decided: Dispute, other: Dispute) -> None:
    """Let the dispute that is still open keep the holds of the one that was decided."""
    await scene.tx.execute(
        "update kotally.disputes d set holds = d.holds || $3::jsonb, opened_at = least("
        " d.opened_at, $4), releases_at = least(d.releases_at, $5)"
        " where d.location_id = $1 and d.id = $2",
        scene.location_id,
        other.id,
        msgspec.to_builtins(decided.holds),
        decided.opened_at,
        decided.releases_at,
    )


def _kept_until(scene: Scene, family: Family) -> datetime:
    """Return until when bookings stand without funds (S10.6)."""
    return days_after(scene.now, family.payment.dispute_hold_days, zone=scene.zone)


async def _mark(scene: Scene, family: Family) -> None:
    await scene.tx.execute(
        """
        update kotally.payments p set is_disputed = exists (
          select from kotally.disputes d
           where d.location_id = $1 and d.payment_id = p.id and d.status = 'open')
         where p.location_id = $1 and p.id = $2
        """,
        scene.location_id,
        family.payment.id,
    )


def _known(family: Family, ref: str) -> Dispute | None:
    return next((each for each in family.disputes if each.external_ref == ref), None)
