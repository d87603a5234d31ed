"""Which credits a revocation takes, in the order of S10.3. Pure: it decides and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from kotally.ledger.plans import Bucket, Entry
from kotally.payments.family import Family, Hold, Lot


class Taking(Struct, frozen=True, kw_only=True):
    """
    What is taken, and what was used already.

    `taken` says from which bucket how much; `shortfall` is what nothing was left for, of which
    `used` names the lots whose use it was, and whether somebody came (`consumed`) or not
    (`penalty`): both were used (S10.3).
    """

    entries: dict[UUID, list[Entry]]
    taken: dict[str, int]
    used: list[tuple[Lot, Bucket, int]]
    shortfall: int


def holds_to_free(family: Family, wanted: int) -> list[Hold]:
    """
    Choose the holds that must lose their credits: latest appointment first (S10.3).

    A hold is freed whole, because half a booking is none; what it had too much stays available.
    """
    ids = [lot.id for lot in family.lots]
    free = free_suspended(family)
    in_hand = sum(lot.available for lot in family.lots) + sum(free.values())
    chosen: list[Hold] = []
    candidates = [*family.holds, *family.suspended_holds]
    for hold in sorted(candidates, key=lambda each: (each.at, each.id))[::-1]:
        if in_hand >= wanted:
            break
        chosen.append(hold)
        in_hand += hold.of(ids)
    return chosen


def free_suspended(family: Family) -> dict[UUID, int]:
    """Return what each lot has suspended that no hold had had before."""
    return {
        lot.id: max(0, lot.suspended - sum(hold.of([lot.id]) for hold in family.suspended_holds))
        for lot in family.lots
    }


def take(family: Family, wanted: int) -> Taking:
    """
    Take credits: what can be spent, then that of the lots which came of it, then what had expired.

    What is suspended counts as what it was before. Expired and forfeited credits cost the member
    nothing; used ones come last and are the shortfall.
    """
    taking = Taking(entries={}, taken={}, used=[], shortfall=0)
    free = free_suspended(family)
    roots = [lot for lot in family.lots if lot.parent_lot_id is None]
    children = [lot for lot in family.lots if lot.parent_lot_id is not None]
    left = wanted
    for lots in (roots, children):
        left = _drain(taking, lots, "available", wanted=left, limits={})
        left = _drain(taking, lots, "suspended", wanted=left, limits=free)
    for bucket in ("expired", "forfeited"):
        left = _drain(taking, [*roots, *children], bucket, wanted=left, limits={})
    used = _used([*roots, *children], left)
    return Taking(entries=taking.entries, taken=taking.taken, used=used, shortfall=left)


def _used(lots: Sequence[Lot], wanted: int) -> list[tuple[Lot, Bucket, int]]:
    """Name the uses of so many credits: classes that were attended, then those that were missed."""
    used: list[tuple[Lot, Bucket, int]] = []
    buckets: tuple[Bucket, ...] = ("consumed", "penalty")
    for bucket in buckets:
        for lot in lots:
            there: int = getattr(lot, bucket)
            part = min(there, wanted)
            if part:
                used.append((lot, bucket, part))
                wanted -= part
    return used


def _drain(
    taking: Taking, lots: Sequence[Lot], bucket: Bucket, *, wanted: int, limits: dict[UUID, int]
) -> int:
    """Take from one bucket of lots, and return what is still wanted."""
    for lot in lots:
        there: int = getattr(lot, bucket)
        part = min(wanted, limits.get(lot.id, there))
        if part > 0:
            taking.entries.setdefault(lot.contact_id, []).append(
                Entry(lot.id, bucket, "revoked", part)
            )
            taking.taken[bucket] = taking.taken.get(bucket, 0) + part
            wanted -= part
    return wanted
