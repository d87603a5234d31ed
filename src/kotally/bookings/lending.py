"""Credits used for somebody else: who may, who books, and what is kept of it (S12.4, S12.5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.db import Queries
from kotally.ledger.scenes import Declined, Scene

# What a contact's own credits can say for those of others to be asked.
SHORT: Final = (
    "NO_ENTITLEMENT",
    "INSUFFICIENT_CREDITS",
    "SERVICE_FAMILY_MISMATCH",
    "CONFIG_NOT_FOUND",
    "CAP_REACHED",
)
_encode = msgspec.json.Encoder(order="deterministic").encode


class Lender(Struct, frozen=True):
    """Who shares credits with somebody."""

    id: UUID
    external_id: str


class For(Struct, frozen=True, kw_only=True):
    """
    For whom credits are used, who asked for it, and from which lots.

    `beneficiary_id` None: for the contact whose credits they are. `booked_at` of what was booked
    already: it stands, whoever has been removed since (S12.4). `lots` are those that staff named,
    `lots_reason` is why (S1.6).
    """

    beneficiary_id: UUID | None = None
    booked_by: str | None = None
    is_guest: bool = False
    booked_at: datetime | None = None
    lots: list[UUID] = []
    lots_reason: str | None = None

    def args(self) -> str | None:
        """Write what the kernel has to know of it; None when there is nothing special."""
        if self.beneficiary_id is None and not self.lots:
            return None
        args: dict[str, Any] = {}
        told: dict[str, Any] = {}
        if self.beneficiary_id is not None:
            args = {"beneficiary_id": self.beneficiary_id, "is_guest": self.is_guest}
            told = {**args, "booked_by": self.booked_by}
        if self.booked_at is not None:
            args["booked_at"] = self.booked_at
        if self.lots:
            args["lots"] = self.lots
            told["lots_reason"] = self.lots_reason
        return _encode({**args, "metadata": told}).decode()


async def lenders_of(db: Queries, location_id: str, user: UUID | str) -> list[Lender]:
    """Return who shares credits with a contact of that id, who shared first first."""
    return await db.rows(
        Lender,
        """
        select c.id, c.external_id
          from kotally.shares s
          join kotally.contacts c on c.location_id = $1 and c.id = s.owner_id
         where s.location_id = $1 and s.until is null
           and s.user_id = (select u.id from kotally.find_contact($1, $2) u)
         group by c.id, c.external_id order by min(s.since), c.id
        """,
        location_id,
        str(user),
    )


async def args_for(db: Queries, location_id: str, user: str) -> str | None:
    """Write the args of a check for somebody else than whose credits pay; None if unknown."""
    user_id: UUID | None = await db.fetchval(
        "select c.id from kotally.find_contact($1, $2) c", location_id, user
    )
    return None if user_id is None else _encode({"beneficiary_id": user_id}).decode()


async def demand_shared(scene: Scene, owner_id: UUID, user_id: UUID) -> None:
    """Refuse with NOT_SHARED who may not use an owner's credits, or not any more."""
    lenders = await lenders_of(scene.tx, scene.location_id, user_id)
    if owner_id not in {lender.id for lender in lenders}:
        raise Declined("NOT_SHARED", owner_id=owner_id, user_id=user_id)


async def demand_welcome(scene: Scene, owner_id: UUID, guest_id: UUID) -> None:
    """
    Refuse a guest whom none of the owner's products is good for, with the first reason against it.

    Codes: GUESTS_NOT_ALLOWED, GUEST_NOT_NEW, GUEST_VISITS_USED.
    """
    rows = await scene.tx.fetch(
        """
        select p.product_config_id, g.code, g.visits,
               (p.sharing ->> 'visits_per_guest')::bigint as allowed
          from (
            select e.product_config_id, v.rules -> 'sharing' as sharing, min(e.starts_at) as since
              from kotally.entitlements e
              join kotally.product_versions v
                on v.location_id = $1 and v.product_id = e.product_config_id
               and v.version = e.product_version
             where e.location_id = $1 and e.contact_id = $2
               and (v.rules #>> '{sharing,guests}')::boolean
             group by 1, 2) p
         cross join lateral kotally.guest_verdict($1, $3, p.product_config_id, p.sharing) g
         order by p.since, p.product_config_id
        """,
        scene.location_id,
        owner_id,
        guest_id,
    )
    if not rows:
        raise Declined("GUESTS_NOT_ALLOWED", contact_id=owner_id)
    if all(row["code"] is not None for row in rows):
        first = rows[0]
        facts = {"contact_id": guest_id, "product_config_id": first["product_config_id"]}
        if first["allowed"] is not None:
            facts |= {"visits": first["visits"], "allowed": first["allowed"]}
        raise Declined(first["code"], **facts)


async def demand_lots(scene: Scene, owner_id: UUID, lots: list[UUID]) -> None:
    """Refuse with LOT_NOT_USABLE lots that are not the contact's, or are spent (S1.6)."""
    missing: UUID | None = await scene.tx.fetchval(
        """
        select n.id from unnest($3::uuid[]) n (id)
         where not exists (
           select from kotally.lots l
            where l.location_id = $1 and l.contact_id = $2 and l.id = n.id and l.is_open)
         limit 1
        """,
        scene.location_id,
        owner_id,
        lots,
    )
    if missing is not None:
        raise Declined("LOT_NOT_USABLE", lot_id=missing)


async def record(
    scene: Scene, whose: For, *, hold_id: UUID, owner_id: UUID, entitlement_id: UUID
) -> None:
    """Keep for whom a hold was placed, when it is for somebody else than the owner."""
    if whose.beneficiary_id is None:
        return
    await scene.tx.execute(
        """
        insert into kotally.shared_uses (
          location_id, hold_id, owner_id, beneficiary_id, booked_by, entitlement_id, is_guest,
          used_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        scene.location_id,
        hold_id,
        owner_id,
        whose.beneficiary_id,
        whose.booked_by,
        entitlement_id,
        whose.is_guest,
        scene.now,
    )
