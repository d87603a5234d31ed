"""Credits that others may use: who may, and a use of them (S12.4)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.payments import people
from kotally.payments.using import Taken, Use, record, take


async def share(
    db: Database,
    location_id: str,
    owner: str,
    *,
    user: str,
    entitlement_id: UUID | None = None,
    key: Key,
) -> Outcome:
    """
    Let a contact use another's credits: of one entitlement, or of all that can be shared.

    Codes: `shared`, CONTACT_NOT_FOUND, SHARE_WITH_SELF, NOT_SHAREABLE.
    """

    async def work(scene: Scene) -> Done:
        owner_id = await people.contact_of(scene, owner)
        user_id = await people.contact_of(scene, user)
        if owner_id == user_id:
            raise Declined("SHARE_WITH_SELF", contact_id=owner_id)
        await scene.lock([owner_id, user_id])
        if entitlement_id is not None:
            await _demand_shareable(scene, owner_id, entitlement_id)
        await _end(scene, owner_id, user_id, entitlement_id=entitlement_id)
        share_id = new_id()
        await scene.tx.execute(
            """
            insert into kotally.shares (
              location_id, id, owner_id, user_id, entitlement_id, since)
            values ($1, $2, $3, $4, $5, $6)
            """,
            scene.location_id,
            share_id,
            owner_id,
            user_id,
            entitlement_id,
            scene.now,
        )
        facts = {"share_id": share_id, "owner_id": owner_id, "user_id": user_id}
        await scene.happened(owner_id, "credits_shared", entitlement_id=entitlement_id, **facts)
        return Done("shared", facts | {"entitlement_id": entitlement_id})

    return await play(db, location_id, "share", key=key, work=work)


async def unshare(
    db: Database,
    location_id: str,
    owner: str,
    *,
    user: str,
    entitlement_id: UUID | None = None,
    key: Key,
) -> Outcome:
    """
    Take the right to use credits away; bookings that were made stay.

    Codes: `unshared`, CONTACT_NOT_FOUND, NOT_SHARED.
    """

    async def work(scene: Scene) -> Done:
        owner_id = await people.contact_of(scene, owner)
        user_id = await people.contact_of(scene, user)
        await scene.lock([owner_id, user_id])
        if not await _end(scene, owner_id, user_id, entitlement_id=entitlement_id):
            raise Declined("NOT_SHARED", owner_id=owner_id, user_id=user_id)
        facts = {"owner_id": owner_id, "user_id": user_id}
        await scene.happened(owner_id, "credits_unshared", entitlement_id=entitlement_id, **facts)
        return Done("unshared", facts)

    return await play(db, location_id, "unshare", key=key, work=work)


async def use(
    db: Database, location_id: str, wanted: Use, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Pay for a contact with its own credits, or else with those that others share with it.

    One owner pays for all of it. Codes: `used`, CONTACT_NOT_FOUND and the refusals of a deduction
    from the contact's own credits.
    """

    async def work(scene: Scene) -> Done:
        user_id = await people.contact_of(scene, wanted.beneficiary)
        owners = await _owners(scene, user_id)
        await scene.lock([user_id, *(row["owner_id"] for row in owners)])
        own = await take(scene, user_id, wanted, product_config_id=None)
        if own.done:
            return _done(own, user_id, user_id)
        for row in await _owners(scene, user_id):
            taken = await take(
                scene, row["owner_id"], wanted, product_config_id=row["product_config_id"]
            )
            if taken.done:
                whose = (row["owner_id"], user_id)
                await record(scene, taken, wanted, whose=whose, is_guest=False)
                return _done(taken, *whose)
        raise Declined(own.code, **own.answer)

    return await play(db, location_id, "shared use", key=key, work=work, preview=preview)


def _done(taken: Taken, owner_id: UUID, user_id: UUID) -> Done:
    return Done("used", taken.answer | {"owner_id": owner_id, "beneficiary_id": user_id})


async def _owners(scene: Scene, user_id: UUID) -> list[dict[str, Any]]:
    """Return who shares with a contact, the first first, with the products that can be shared."""
    rows = await scene.tx.fetch(
        """
        select s.owner_id, e.product_config_id, min(s.since) as since
          from kotally.shares s
          join kotally.entitlements e
            on e.location_id = $1 and e.contact_id = s.owner_id
           and (s.entitlement_id is null or e.id = s.entitlement_id)
          join kotally.product_versions v
            on v.location_id = $1 and v.product_id = e.product_config_id
           and v.version = e.product_version
         where s.location_id = $1 and s.user_id = $2 and s.until is null
           and coalesce((v.rules #>> '{sharing,shareable}')::boolean, false)
         group by s.owner_id, e.product_config_id
         order by since, s.owner_id, e.product_config_id
        """,
        scene.location_id,
        user_id,
    )
    return [dict(row) for row in rows]


async def _demand_shareable(scene: Scene, owner_id: UUID, entitlement_id: UUID) -> None:
    shareable = await scene.tx.fetchval(
        """
        select coalesce((v.rules #>> '{sharing,shareable}')::boolean, false)
          from kotally.entitlements e
          join kotally.product_versions v
            on v.location_id = $1 and v.product_id = e.product_config_id
           and v.version = e.product_version
         where e.location_id = $1 and e.id = $2 and e.contact_id = $3
        """,
        scene.location_id,
        entitlement_id,
        owner_id,
    )
    if not shareable:
        raise Declined("NOT_SHAREABLE", entitlement_id=entitlement_id)


async def _end(scene: Scene, owner_id: UUID, user_id: UUID, *, entitlement_id: UUID | None) -> bool:
    rows = await scene.tx.fetch(
        """
        update kotally.shares s set until = $5
         where s.location_id = $1 and s.owner_id = $2 and s.user_id = $3 and s.until is null
           and ($4::uuid is null or s.entitlement_id = $4)
        returning s.id
        """,
        scene.location_id,
        owner_id,
        user_id,
        entitlement_id,
        scene.now,
    )
    return bool(rows)
