"""Bring the ledger to a payment's tally: revoke, unfund, and settle what was used already (S10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from kotally.bookings import waiting
from kotally.core.ids import new_id
from kotally.ledger import debts
from kotally.ledger.plans import Entry, LotFields
from kotally.ledger.scenes import Scene
from kotally.payments import family as families
from kotally.payments.family import Family, Hold
from kotally.payments.revocation import Taking, holds_to_free, take
from kotally.payments.tally import Shortfall, target

_encode = msgspec.json.Encoder().encode


class Brought(Struct, frozen=True, kw_only=True):
    """What bringing a payment to its tally came to; `taken` says from which bucket how much."""

    credits_revoked_now: int = 0
    taken: dict[str, int] = {}
    shortfall: int = 0
    owed: int = 0
    uncollected: int = 0
    bookings_unfunded: list[UUID] = []
    holds_released: list[UUID] = []


async def bring(
    scene: Scene,
    family: Family,
    *,
    reason: str,
    chosen: int | None = None,
    shortfall: Shortfall | None = None,
) -> Brought:
    """
    Revoke what the tally says and has not been revoked yet (S10.2).

    `family` holds the tally as it is now to be; the scene has locked everybody in it.
    """
    wanted = target(family.payment, chosen=chosen) - family.payment.credits_revoked
    if wanted <= 0:
        return Brought()
    freed = holds_to_free(family, wanted)
    unfunded, released = await free(scene, family, freed, why=reason)
    if freed:
        family = msgspec.structs.replace(
            await families.load(scene, family.payment.id), payment=family.payment
        )
    taking = take(family, wanted)
    policy = shortfall or family.payment.shortfall
    owed = await _write(scene, family, taking, policy=policy, reason=reason)
    uncollected = taking.shortfall - owed
    await _tally(scene, family, wanted, uncollected=uncollected)
    if uncollected and policy == "block":
        await _block(scene, family, uncollected)
    return Brought(
        credits_revoked_now=wanted,
        taken=taking.taken,
        shortfall=taking.shortfall,
        owed=owed,
        uncollected=uncollected,
        bookings_unfunded=unfunded,
        holds_released=released,
    )


async def free(
    scene: Scene, family: Family, holds: Sequence[Hold], *, why: str
) -> tuple[list[UUID], list[UUID]]:
    """
    Give the credits of holds back to their lots; their bookings stand without funds.

    A hold that a dispute had ended already is only forgotten: it will not be held again. Returns
    the bookings and the holds that lost their credits.
    """
    still = {hold.id for hold in family.holds}
    open_holds = [hold for hold in holds if hold.id in still]
    for hold in open_holds:
        await _conclude(scene, hold, reason=why)
    for dispute in family.disputes:
        gone = {hold.id for hold in holds}
        kept = [hold for hold in dispute.holds if hold.id not in gone]
        if len(kept) < len(dispute.holds):
            await scene.tx.execute(
                "update kotally.disputes d set holds = $3 where d.location_id = $1 and d.id = $2",
                scene.location_id,
                dispute.id,
                msgspec.to_builtins(kept),
            )
    ids = [hold.id for hold in open_holds]
    return await waiting.unfund_of_holds(scene, ids, why=why), ids


async def _conclude(scene: Scene, hold: Hold, *, reason: str) -> None:
    posting = scene.posting(hold.contact_id, "release", reason, entries=[])
    await scene.tx.fetchval(
        "select kotally.conclude_hold($1, $2, $3, 0, 0, 'released', false, $4)",
        scene.location_id,
        hold.id,
        _encode(posting).decode(),
        scene.now,
    )


async def _write(
    scene: Scene, family: Family, taking: Taking, *, policy: Shortfall, reason: str
) -> int:
    """Post what is taken, and the debts for what was used; returns how much is owed."""
    await scene.post(
        [
            scene.posting(contact_id, "refund", reason, entries=entries)
            for contact_id, entries in taking.entries.items()
        ]
    )
    if policy != "debt" or not taking.used:
        return 0
    lots: list[LotFields] = []
    owing: dict[UUID, list[Entry]] = {}
    for lot, bucket, amount in taking.used:
        debt, entries = debts.used_from(asdict(lot), bucket, amount)
        lots.append(debt)
        # Whoever used the credits owes them.
        owing.setdefault(lot.contact_id, []).extend(entries)
    await scene.post(
        [
            scene.posting(contact_id, "refund", "refund_shortfall", entries=entries)
            for contact_id, entries in owing.items()
        ],
        lots,
    )
    for contact_id, entries in owing.items():
        owed = sum(entry.amount for entry in entries if entry.from_bucket == "owed")
        await scene.happened(
            contact_id,
            "credits_owed",
            entitlement_id=family.payment.entitlement_id,
            payment_id=family.payment.id,
            credits=owed,
            notice=f"{owed} used credits were refunded; the next credits pay them back first.",
        )
    return sum(amount for _, _, amount in taking.used)


async def _tally(scene: Scene, family: Family, revoked: int, *, uncollected: int) -> None:
    await scene.tx.execute(
        """
        update kotally.payments p
           set credits_revoked = p.credits_revoked + $3,
               credits_uncollected = p.credits_uncollected + $4
         where p.location_id = $1 and p.id = $2
        """,
        scene.location_id,
        family.payment.id,
        revoked,
        uncollected,
    )


async def _block(scene: Scene, family: Family, credits_: int) -> None:
    """Block the contact until staff decides (S10.4)."""
    await scene.tx.execute(
        """
        insert into kotally.blockers (
          location_id, id, contact_id, kind, starts_at, source, message, created_at)
        values ($1, $2, $3, 'admin', $4, $5, $6, $4)
        """,
        scene.location_id,
        new_id(),
        family.payment.contact_id,
        scene.now,
        blocker_source(family.payment.id),
        f"{credits_} refunded credits had been used; staff decides.",
    )


def blocker_source(payment_id: UUID) -> str:
    """Name the origin of a block, by which it is found again."""
    return f"payment:{payment_id}"


def answer_of(brought: Brought) -> dict[str, Any]:
    """Say what was taken, and from where."""
    return {
        "credits_revoked_now": brought.credits_revoked_now,
        "taken": {
            bucket: brought.taken.get(bucket, 0)
            for bucket in ("available", "suspended", "expired", "forfeited")
        },
        "shortfall": brought.shortfall,
        "credits_owed": brought.owed,
        "credits_uncollected": brought.uncollected,
        "bookings_unfunded": brought.bookings_unfunded,
        "holds_released": brought.holds_released,
    }
