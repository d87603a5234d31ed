"""What a payment's credits have become: its lots, the lots that came of them, and open holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.db import DatabaseBusy, Queries
from kotally.ledger.scenes import Declined, Scene
from kotally.payments.tally import Payment


class Lot(Struct, frozen=True, kw_only=True):
    """One lot of a payment, of whoever has it by now."""

    id: UUID
    contact_id: UUID
    entitlement_id: UUID
    product_config_id: str
    product_version: int
    payment_id: UUID
    parent_lot_id: UUID | None
    issued_at: datetime
    expires_at: datetime | None
    is_expired: bool
    issued: int
    available: int
    held: int
    consumed: int
    penalty: int
    expired: int
    forfeited: int
    revoked: int
    suspended: int


class Slice(Struct, frozen=True):
    """What a hold has of one lot."""

    lot_id: UUID
    amount: int


class Hold(Struct, frozen=True, kw_only=True):
    """A hold with credits of the payment: open, or ended by a dispute that is not decided."""

    id: UUID
    contact_id: UUID
    at: datetime
    slices: list[Slice]
    booking_id: UUID | None = None
    external_ref: str | None = None

    def of(self, lots: Iterable[UUID]) -> int:
        """Return how much it has of some lots."""
        wanted = set(lots)
        return sum(each.amount for each in self.slices if each.lot_id in wanted)


class Dispute(Struct, frozen=True, kw_only=True):
    """A dispute as it stands, with the holds it took the credits from."""

    id: UUID
    external_ref: str
    status: str
    opened_at: datetime | None
    holds: list[Hold]
    releases_at: datetime | None = None


class Family(Struct, frozen=True, kw_only=True):
    """Everything that a refund or a dispute of a payment can reach."""

    payment: Payment
    lots: list[Lot]
    holds: list[Hold]
    disputes: list[Dispute]

    @property
    def suspended_holds(self) -> list[Hold]:
        """Be the holds whose credits open disputes have suspended."""
        return [hold for each in self.disputes if each.status == "open" for hold in each.holds]


_PAYMENT: Final[LiteralString] = """
    select p.id, p.contact_id, p.entitlement_id, p.product_config_id, p.amount_cents, p.currency,
           p.credits_granted, p.credits_revoked, p.credits_uncollected, p.refunded_cents,
           p.is_disputed, p.is_undone, e.type = 'membership' as is_membership,
           v.rules -> 'refund' as rule,
           exists (
             select from kotally.disputes d
              where d.location_id = $1 and d.payment_id = p.id and d.status = 'lost') as is_lost
      from kotally.payments p
      join kotally.entitlements e on e.location_id = $1 and e.id = p.entitlement_id
      join kotally.product_versions v
        on v.location_id = $1 and v.product_id = p.product_config_id
       and v.version = coalesce((
         select min(l.product_version) from kotally.lots l
          where l.location_id = $1 and l.entitlement_id = p.entitlement_id
            and l.payment_id = p.id and l.product_config_id = p.product_config_id),
         e.product_version)
     where p.location_id = $1 and p.id = $2
"""
_LOTS: Final[LiteralString] = """
    select l.id, l.contact_id, l.entitlement_id, l.product_config_id, l.product_version,
           l.payment_id, l.parent_lot_id, l.issued_at, l.expires_at,
           kotally.is_expired(l, $4) as is_expired, l.issued, l.available, l.held,
           l.consumed, l.penalty, l.expired, l.forfeited, l.revoked, l.suspended
      from kotally.lots l
     where l.location_id = $1 and l.payment_id = $2 and l.class <> 'advance'
       and l.entitlement_id in (
         select $3::uuid
          union all
         select t.entitlement_id from kotally.transferred_lots t
          where t.location_id = $1 and t.payment_id = $2)
     order by l.issued_at, l.id
"""
_HOLDS: Final[LiteralString] = """
    select h.id, h.contact_id, coalesce(h.appointment_at, h.placed_at) as at, h.external_ref,
           (select b.id from kotally.bookings b
             where b.location_id = $1 and b.contact_id = h.contact_id and b.hold_id = h.id
               and b.status = 'booked') as booking_id,
           (select jsonb_agg(jsonb_build_object('lot_id', s.lot_id, 'amount', s.amount)
                             order by s.place)
              from kotally.hold_slices(h, 'held') s) as slices
      from kotally.holds h
     where h.location_id = $1 and h.contact_id = any ($2) and h.status = 'held' and h.amount > 0
"""


async def find(db: Queries, location_id: str, payment_id: UUID) -> Payment | None:
    """Read a payment's tally."""
    row = await db.fetchrow(_PAYMENT, location_id, payment_id)
    if row is None:
        return None
    found = dict(row)
    rule: dict[str, Any] = found.pop("rule") or {}
    return Payment(
        **found,
        revoke=rule.get("revoke", "proportional"),
        shortfall=rule.get("shortfall", "debt"),
        drop_in_cents=rule.get("drop_in_cents"),
        fee_cents=rule.get("fee_cents", 0),
        dispute_hold_days=rule.get("dispute_hold_days", 7),
    )


async def locked(scene: Scene, payment_id: UUID) -> Family:
    """Lock everybody who has credits of a payment, and read what has become of them."""
    payment = await find(scene.tx, scene.location_id, payment_id)
    if payment is None:
        raise Declined("PAYMENT_NOT_FOUND")
    owners = await _owners(scene, payment)
    await scene.lock(owners)
    await scene.expire(owners)
    family = await load(scene, payment_id)
    # A transfer came between: the new owner is not locked, so the caller tries again.
    if not {lot.contact_id for lot in family.lots} <= set(owners):
        raise DatabaseBusy
    return family


async def load(scene: Scene, payment_id: UUID) -> Family:
    """Read a payment with its lots, holds and disputes as they are now."""
    payment = await find(scene.tx, scene.location_id, payment_id)
    assert payment is not None, "payments are never removed"
    lots = await scene.tx.rows(
        Lot, _LOTS, scene.location_id, payment.id, payment.entitlement_id, scene.now
    )
    ids = {lot.id for lot in lots}
    rows = await scene.tx.fetch(_HOLDS, scene.location_id, list({lot.contact_id for lot in lots}))
    holds = [msgspec.convert(dict(row), Hold) for row in rows if row["slices"]]
    return Family(
        payment=payment,
        lots=lots,
        holds=[hold for hold in holds if hold.of(ids)],
        disputes=await _disputes(scene, payment.id),
    )


async def _disputes(scene: Scene, payment_id: UUID) -> list[Dispute]:
    rows = await scene.tx.fetch(
        """
        select d.id, d.external_ref, d.status, d.opened_at, d.holds, d.releases_at
          from kotally.disputes d
         where d.location_id = $1 and d.payment_id = $2 order by d.id
        """,
        scene.location_id,
        payment_id,
    )
    return [msgspec.convert(dict(row), Dispute) for row in rows]


async def _owners(scene: Scene, payment: Payment) -> list[UUID]:
    lots = await scene.tx.rows(
        Lot, _LOTS, scene.location_id, payment.id, payment.entitlement_id, scene.now
    )
    return sorted({payment.contact_id, *(lot.contact_id for lot in lots)})
