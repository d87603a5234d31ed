"""Whom a caller means, and what they can spend, inside a scene."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from kotally.ledger.scenes import Declined, Scene


class Spendable(Struct, frozen=True, kw_only=True):
    """A lot with something to spend, and what a lot that comes of it must copy."""

    id: UUID
    entitlement_id: UUID
    product_config_id: str
    product_version: int
    payment_id: UUID | None
    period_number: int | None
    lot_class: str
    priority: int
    effective_at: datetime
    expires_at: datetime | None
    coverage: dict[str, int] | None
    coverage_width: int
    cost_minor: int
    currency: str | None
    unit_cost: int
    cancel_window_minutes: int | None
    restore_grace_days: int
    issued: int
    available: int
    is_blocked: bool
    product_rules: dict[str, Any]


_SPENDABLE: Final[LiteralString] = """
    select l.id, l.entitlement_id, l.product_config_id, l.product_version, l.payment_id,
           l.period_number, l.class as lot_class, l.priority, l.effective_at, l.expires_at,
           l.coverage, l.coverage_width, l.cost_minor, l.currency, l.unit_cost,
           l.cancel_window_minutes, l.restore_grace_days, l.issued, l.available,
           kotally.is_blocked(
             kotally.blockers_at($1, $2, $3), l.entitlement_id, l.id, $3) as is_blocked,
           coalesce((
             select v.rules from kotally.product_versions v
              where v.location_id = $1 and v.product_id = l.product_config_id
                and v.version = l.product_version), '{}') as product_rules
      from kotally.lots l
     where l.location_id = $1 and l.contact_id = $2 and l.is_open and l.available > 0
       and not kotally.is_expired(l, $3)
     order by l.priority, l.expires_at nulls last, l.coverage_width, l.unit_cost, l.effective_at,
              l.id
"""


async def contact_of(scene: Scene, reference: str) -> UUID:
    """Return the contact of an id in the caller's system or of ours; decline an unknown one."""
    found: UUID | None = await scene.tx.fetchval(
        "select c.id from kotally.find_contact($1, $2) c", scene.location_id, reference
    )
    if found is None:
        raise Declined("CONTACT_NOT_FOUND", contact=reference)
    return found


async def spendable(scene: Scene, contact_id: UUID) -> list[Spendable]:
    """Read the contact's unexpired lots with something available, in burn order (S1.3)."""
    return await scene.tx.rows(Spendable, _SPENDABLE, scene.location_id, contact_id, scene.now)


async def entitle(
    scene: Scene,
    contact_id: UUID,
    *,
    entitlement_id: UUID,
    product: tuple[str, int],
    starts_at: datetime,
    ends_at: datetime | None,
) -> None:
    """Open an entitlement for credits that came otherwise than by a payment."""
    await scene.tx.execute(
        """
        insert into kotally.entitlements (
          location_id, id, contact_id, product_config_id, product_version, type, starts_at,
          ends_at, created_at)
        values ($1, $2, $3, $4, $5, 'package', $6, $7, $8)
        """,
        scene.location_id,
        entitlement_id,
        contact_id,
        *product,
        starts_at,
        ends_at,
        scene.now,
    )
