"""Who may use a member's credits: the people the member named, one way only (S12.4)."""

from __future__ import annotations

from uuid import UUID

from kotally.bookings.meeting import Somebody, meet
from kotally.core.ids import new_id
from kotally.db import Database, Queries
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.payments import people


async def share(
    db: Database,
    location_id: str,
    owner: str,
    *,
    user: Somebody,
    entitlement_id: UUID | None = None,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Let somebody use a contact's credits: of one entitlement, or of all that can be shared.

    Whoever may do so already stays where they are. Codes: `shared`, CONTACT_NOT_FOUND,
    SHARE_WITH_SELF, SHARE_CYCLE, NOT_SHAREABLE, SHARE_LIMIT_REACHED.
    """

    async def work(scene: Scene) -> Done:
        owner_id = await people.contact_of(scene, owner)
        user_id = await meet(scene, user)
        if owner_id == user_id:
            raise Declined("SHARE_WITH_SELF", contact_id=owner_id)
        await scene.lock(sorted({owner_id, user_id}))
        await _demand_no_cycle(scene, owner_id, user_id)
        if entitlement_id is not None:
            await _demand_shareable(scene, owner_id, entitlement_id)
        facts = {"owner_id": owner_id, "user_id": user_id, "entitlement_id": entitlement_id}
        known = await _active(scene, owner_id, user_id, entitlement_id=entitlement_id)
        if known is not None:
            return Done("shared", {"share_id": known, **facts})
        await _demand_room(scene, owner_id, user_id, entitlement_id=entitlement_id)
        share_id = await _insert(scene, owner_id, user_id, entitlement_id=entitlement_id)
        for contact_id in (owner_id, user_id):
            await scene.happened(
                contact_id,
                "credits_shared",
                entitlement_id=entitlement_id,
                share_id=share_id,
                owner_id=owner_id,
                user_id=user_id,
            )
        return Done("shared", {"share_id": share_id, **facts})

    return await play(db, location_id, "share", key=key, work=work, preview=preview)


async def unshare(
    db: Database,
    location_id: str,
    owner: str,
    *,
    user: str,
    entitlement_id: UUID | None = None,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Take the right to use credits away, of one entitlement or altogether; bookings made stay.

    Codes: `unshared`, CONTACT_NOT_FOUND, NOT_SHARED.
    """

    async def work(scene: Scene) -> Done:
        owner_id = await people.contact_of(scene, owner)
        user_id = await people.contact_of(scene, user)
        await scene.lock(sorted({owner_id, user_id}))
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
        facts = {"owner_id": owner_id, "user_id": user_id}
        if not rows:
            raise Declined("NOT_SHARED", **facts)
        for contact_id in (owner_id, user_id):
            await scene.happened(
                contact_id, "credits_unshared", entitlement_id=entitlement_id, **facts
            )
        return Done("unshared", {**facts, "entitlement_id": entitlement_id})

    return await play(db, location_id, "unshare", key=key, work=work, preview=preview)


async def shares_of(db: Queries, location_id: str, reference: str) -> str | None:
    """Read who may use a contact's credits, and whose the contact may use, as JSON."""
    return await db.fetchval(
        """
        select json_build_object(
          'contact_id', c.id,
          'users', coalesce((
            select json_agg(i.item order by i.since, i.id) from kotally.share_items i
             where i.location_id = $1 and i.owner_id = c.id), '[]'),
          'owners', coalesce((
            select json_agg(i.item order by i.since, i.id) from kotally.share_items i
             where i.location_id = $1 and i.user_id = c.id), '[]'))::text
          from kotally.find_contact($1, $2) c where c.id is not null
        """,
        location_id,
        reference,
    )


async def _insert(
    scene: Scene, owner_id: UUID, user_id: UUID, *, entitlement_id: UUID | None
) -> UUID:
    share_id = new_id()
    await scene.tx.execute(
        """
        insert into kotally.shares (location_id, id, owner_id, user_id, entitlement_id, since)
        values ($1, $2, $3, $4, $5, $6)
        """,
        scene.location_id,
        share_id,
        owner_id,
        user_id,
        entitlement_id,
        scene.now,
    )
    return share_id


async def _active(
    scene: Scene, owner_id: UUID, user_id: UUID, *, entitlement_id: UUID | None
) -> UUID | None:
    return await scene.tx.fetchval(
        """
        select s.id from kotally.shares s
         where s.location_id = $1 and s.owner_id = $2 and s.user_id = $3 and s.until is null
           and s.entitlement_id is not distinct from $4
        """,
        scene.location_id,
        owner_id,
        user_id,
        entitlement_id,
    )


async def _demand_no_cycle(scene: Scene, owner_id: UUID, user_id: UUID) -> None:
    """Refuse a circle: whoever uses credits, directly or over others, lends the owner none."""
    closes: bool = await scene.tx.fetchval(
        """
        with recursive lent (id) as (
          select $3::uuid
           union
          select s.user_id from kotally.shares s
            join lent l on s.owner_id = l.id
           where s.location_id = $1 and s.until is null)
        select exists (select from lent l where l.id = $2)
        """,
        scene.location_id,
        owner_id,
        user_id,
    )
    if closes:
        raise Declined("SHARE_CYCLE", owner_id=owner_id, user_id=user_id)


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


async def _demand_room(
    scene: Scene, owner_id: UUID, user_id: UUID, *, entitlement_id: UUID | None
) -> None:
    """Refuse more people than a product is for; of all that is shared the strictest counts."""
    row = await scene.tx.fetchrow(
        """
        select e.id, u.count, (v.rules #>> '{sharing,max_users}')::bigint as allowed
          from kotally.entitlements e
          join kotally.product_versions v
            on v.location_id = $1 and v.product_id = e.product_config_id
           and v.version = e.product_version
         cross join lateral (
           select count(distinct s.user_id) as count from kotally.shares s
            where s.location_id = $1 and s.owner_id = $2 and s.user_id <> $3 and s.until is null
              and coalesce(s.entitlement_id = e.id, true)) u
         where e.location_id = $1 and e.contact_id = $2 and ($4::uuid is null or e.id = $4)
           and coalesce(e.ends_at > $5, true)
           and u.count >= (v.rules #>> '{sharing,max_users}')::bigint
         order by allowed, e.id limit 1
        """,
        scene.location_id,
        owner_id,
        user_id,
        entitlement_id,
        scene.now,
    )
    if row is not None:
        raise Declined(
            "SHARE_LIMIT_REACHED",
            entitlement_id=row["id"],
            users=row["count"],
            allowed=row["allowed"],
        )
