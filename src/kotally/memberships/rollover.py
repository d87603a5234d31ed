"""What of a period's credits carries over when it ends, and what does not: pure (S7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from msgspec import Struct

from kotally.core.ids import new_id
from kotally.ledger.plans import Entry, LotFields
from kotally.memberships.memberships import Lot
from kotally.products.policies import Rollover

ROLLED_PRIORITY: Final = 90  # rolled credits are used before fresh ones (S7.4)
_HUNDRED: Final = 100

Limit = Literal["percent", "max_per_roll", "max_bank"]
Lifetime = Callable[[Rollover], datetime | None]


class Forfeit(Struct, frozen=True):
    """Credits of a lot that are lost, and the rule that limited them (S7.5)."""

    lot_id: UUID
    amount: int
    limit: Limit


class Carried(Struct, frozen=True, kw_only=True):
    """Credits of one lot that go on in a new one."""

    lot: Lot
    amount: int
    into: LotFields | None


class Roll(Struct, frozen=True, kw_only=True):
    """What a boundary does to the lots of a membership; `records` are rows of `kotally.rolls`."""

    carried: list[Carried]
    forfeits: list[Forfeit]
    trims: list[Forfeit]
    records: list[dict[str, Any]]

    @property
    def rolled(self) -> int:
        """Be the credits that go on."""
        return sum(each.amount for each in self.carried)

    @property
    def entries(self) -> list[Entry]:
        """Be the movements of what goes on: out of the old lots, into the new ones."""
        return [
            entry
            for each in self.carried
            if each.into is not None
            for entry in (
                Entry(each.lot.id, "available", "transferred", each.amount),
                Entry(each.into["id"], "issued", "available", each.amount),
            )
        ]

    @property
    def lots(self) -> list[LotFields]:
        """Be the new lots."""
        return [each.into for each in self.carried if each.into is not None]


class _Share(Struct):
    """How much of a lot may roll, as the limits come down on it."""

    lot: Lot
    rule: Rollover
    amount: int
    expires_at: datetime | None


def roll(
    lots: Sequence[Lot], boundary: datetime, *, cutoff: datetime, lifetime: Lifetime, number: int
) -> Roll:
    """
    Decide a membership's roll-over at a boundary.

    Lots with a rule that end by `cutoff` roll: the boundary, or later when a period's credits
    outlive it; those then keep what does not roll until they expire (S6.3), as do lots that live
    longer by a freeze which left the boundary where it was (S8.4, S8.5). `lifetime` says
    until when credits live that roll at this boundary, `number` is the period they roll into.
    """
    shares, forfeits = _shares(lots, boundary, cutoff=cutoff, lifetime=lifetime)
    ending = {share.lot.id for share in shares}
    bank = [
        lot
        for lot in lots
        if lot.lot_class == "rollover"
        and lot.id not in ending
        and (lot.lives_until is None or lot.lives_until > boundary)
    ]
    counted = sum(share.amount for share in shares)
    trims = _trim(shares, bank)
    forfeits += [trim for trim in trims if trim.lot_id in ending]
    outliving = {
        share.lot.id
        for share in shares
        if share.lot.lives_until is not None and share.lot.lives_until > boundary
    }
    return Roll(
        carried=[
            Carried(lot=share.lot, amount=share.amount, into=_into(share, boundary, number=number))
            for share in shares
            if share.amount > 0
        ],
        forfeits=[each for each in forfeits if each.lot_id not in outliving],
        trims=[trim for trim in trims if trim.lot_id not in ending],
        records=_records(shares, bank, boundary, counted=counted, trims=trims),
    )


def _shares(
    lots: Sequence[Lot], boundary: datetime, *, cutoff: datetime, lifetime: Lifetime
) -> tuple[list[_Share], list[Forfeit]]:
    """Take the percentage of each lot, then the limit of a roll over all of them (S7.2)."""
    shares: list[_Share] = []
    forfeits: list[Forfeit] = []
    rolled = 0
    for lot in lots:
        rule = lot.rollover
        ends = lot.due_at is not None and lot.due_at <= cutoff
        if rule is None or not ends or lot.effective_at >= boundary:
            continue
        part = lot.available * rule.percent // _HUNDRED
        amount = part if rule.max_per_roll is None else min(part, rule.max_per_roll - rolled)
        amount = max(amount, 0)
        rolled += amount
        shares.append(_Share(lot, rule, amount, lifetime(rule)))
        forfeits += _lost(lot, "percent", lot.available - part)
        forfeits += _lost(lot, "max_per_roll", part - amount)
    return shares, forfeits


def _lost(lot: Lot, limit: Limit, amount: int) -> list[Forfeit]:
    return [Forfeit(lot.id, amount, limit)] if amount > 0 else []


def _trim(shares: list[_Share], bank: Sequence[Lot]) -> list[Forfeit]:
    """Bring the sum of rolled credits under its limit, the soonest expiring first (S7.3)."""
    limits = [share.rule.max_bank for share in shares if share.rule.max_bank is not None]
    if not limits:
        return []
    total = sum(share.amount for share in shares) + sum(lot.available + lot.held for lot in bank)
    excess = total - min(limits)
    candidates: list[tuple[datetime | None, Lot, _Share | None]] = [
        *((lot.due_at, lot, None) for lot in bank),
        *((share.expires_at, share.lot, share) for share in shares),
    ]
    candidates.sort(key=lambda each: (each[0] is None, each[0], each[1].id))
    trims: list[Forfeit] = []
    for _, lot, share in candidates:
        amount = min(excess, lot.available if share is None else share.amount)
        if amount <= 0:
            continue
        excess -= amount
        trims.append(Forfeit(lot.id, amount, "max_bank"))
        if share is not None:
            share.amount -= amount
    return trims


def _into(share: _Share, boundary: datetime, *, number: int) -> LotFields:
    return carried_lot(
        share.lot,
        share.amount,
        number=number,
        effective_at=boundary,
        expires_at=share.expires_at,
        rolls_again=share.lot.roll_count + 1 < share.rule.max_rolls,
    )


def carried_lot(
    lot: Lot,
    amount: int,
    *,
    number: int,
    effective_at: datetime,
    expires_at: datetime | None,
    rolls_again: bool = False,
) -> LotFields:
    """Make the lot in which credits go on: the same rules, a share of the cost (S7.4)."""
    fields: LotFields = {
        "id": new_id(),
        "contact_id": lot.contact_id,
        "entitlement_id": lot.entitlement_id,
        "product_config_id": lot.product_config_id,
        "product_version": lot.product_version,
        "payment_id": lot.payment_id,
        "period_number": number,
        "parent_lot_id": lot.id,
        "class": "rollover",
        "priority": ROLLED_PRIORITY,
        "effective_at": effective_at,
        "expires_at": expires_at,
        "coverage": lot.coverage,
        "coverage_width": lot.coverage_width,
        "cost_minor": lot.cost_minor * amount // max(lot.issued, 1),
        "currency": lot.currency,
        "unit_cost": lot.unit_cost,
        "cancel_window_minutes": lot.cancel_window_minutes,
        "restore_grace_days": lot.restore_grace_days,
        "roll_count": lot.roll_count + 1,
        "rules": {
            name: rule for name, rule in lot.rules.items() if name != "rollover" or rolls_again
        },
    }
    return {name: value for name, value in fields.items() if value is not None}


def _records(
    shares: Sequence[_Share],
    bank: Sequence[Lot],
    boundary: datetime,
    *,
    counted: int,
    trims: Sequence[Forfeit],
) -> list[dict[str, Any]]:
    """Note what rolled, and how much more would have: for holds released later (S7.6)."""
    trimmed = sum(trim.amount for trim in trims)
    banked = sum(lot.available + lot.held for lot in bank) + counted - trimmed
    records: list[dict[str, Any]] = []
    for place, share in enumerate(shares):
        rooms: list[int] = []
        if share.rule.max_per_roll is not None:
            rooms.append(share.rule.max_per_roll - counted)
        if share.rule.max_bank is not None:
            rooms.append(share.rule.max_bank - banked)
        # The room is one for all lots that roll at a boundary: the first of them has it.
        room = (max(min(rooms), 0) if rooms else None) if place == 0 else 0
        records.append(
            {
                "lot_id": share.lot.id,
                "contact_id": share.lot.contact_id,
                "membership_id": share.lot.entitlement_id,
                "boundary_at": boundary,
                "base": share.lot.available,
                "rolled": share.amount,
                "percent": share.rule.percent,
                "room": room,
                "late": 0,
                "expires_at": share.expires_at,
            }
        )
    return records
