"""From which lots credits are taken when no booking decides it: named ones, or the burn order."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from kotally.ledger.scenes import Declined
from kotally.payments.people import Spendable


class Named(Struct, frozen=True):
    """So much of one lot, as staff names it."""

    lot_id: UUID
    amount: int


def choose(
    lots: Sequence[Spendable], amount: int, named: Sequence[Named]
) -> list[tuple[Spendable, int]]:
    """
    Choose lots that are good for an amount in all: those named, else in burn order (S1.3, S12.1).

    What is blocked is not spent next, so it comes last. Declines when they have too little, with
    what they have; it never touches held credits.
    """
    if named:
        return _named(lots, amount, named)
    available = sum(lot.available for lot in lots)
    if available < amount:
        raise Declined(
            "INSUFFICIENT_CREDITS",
            balance_after=sum(lot.available for lot in lots if not lot.is_blocked),
            available=available,
            short_by=amount - available,
        )
    chosen: list[tuple[Spendable, int]] = []
    for lot in sorted(lots, key=lambda lot: lot.is_blocked):
        part = min(lot.available, amount)
        if part:
            chosen.append((lot, part))
            amount -= part
    return chosen


def _named(
    lots: Sequence[Spendable], amount: int, named: Sequence[Named]
) -> list[tuple[Spendable, int]]:
    by_id = {lot.id: lot for lot in lots}
    wanted: dict[UUID, int] = {}
    for each in named:
        wanted[each.lot_id] = wanted.get(each.lot_id, 0) + each.amount
    if sum(wanted.values()) != amount:
        raise Declined("LOTS_DO_NOT_ADD_UP", amount=amount, named=sum(wanted.values()))
    for lot_id, part in wanted.items():
        available = by_id[lot_id].available if lot_id in by_id else 0
        if available < part:
            raise Declined(
                "INSUFFICIENT_CREDITS",
                lot_id=lot_id,
                available=available,
                short_by=part - available,
            )
    return [(by_id[lot_id], part) for lot_id, part in wanted.items()]
