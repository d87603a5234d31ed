"""Whom a caller names: somebody known already, or met now (S12.4, S12.5)."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from kotally.core.ids import new_id
from kotally.ledger.scenes import Declined, Scene


class Somebody(Struct, frozen=True, kw_only=True):
    """A person by the id in the caller's system, by ours, or by what is known of them."""

    reference: str | None = None
    email: str | None = None
    name: str | None = None
    phone: str | None = None


async def meet(scene: Scene, who: Somebody) -> UUID:
    """
    Return the contact that is meant: by its id, else by e-mail, else by phone.

    Somebody new becomes a contact when more than an id is known of them: an id alone that is not
    known is a mistake, CONTACT_NOT_FOUND. What is told of somebody known fills what is empty.
    """
    known = await _known(scene, who)
    if known is None and who.reference is not None and not _is_introduced(who):
        raise Declined("CONTACT_NOT_FOUND", contact=who.reference)
    if known is None:
        known = await _made(scene, who)
    elif _is_introduced(who):
        await _fill(scene, known, who)
    await scene.tx.execute("select kotally.open_balance($1, $2)", scene.location_id, known)
    return known


async def _made(scene: Scene, who: Somebody) -> UUID:
    """Make a contact; whoever made the same one meanwhile was first."""
    return await scene.tx.fetchval(
        """
        insert into kotally.contacts as c (
          location_id, id, external_id, email, name, phone, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (location_id, external_id) do update set external_id = excluded.external_id
        returning c.id
        """,
        scene.location_id,
        new_id(),
        who.reference or f"guest_{new_id()}",
        who.email,
        who.name,
        who.phone,
        scene.now,
    )


async def _fill(scene: Scene, contact_id: UUID, who: Somebody) -> None:
    await scene.tx.execute(
        """
        update kotally.contacts c
           set email = coalesce(c.email, $3), name = coalesce(c.name, $4),
               phone = coalesce(c.phone, $5)
         where c.location_id = $1 and c.id = $2
           and (c.email is null and $3::text is not null or c.name is null and $4::text is not null
                or c.phone is null and $5::text is not null)
        """,
        scene.location_id,
        contact_id,
        who.email,
        who.name,
        who.phone,
    )


async def _known(scene: Scene, who: Somebody) -> UUID | None:
    if who.reference is not None:
        return await scene.tx.fetchval(
            "select c.id from kotally.find_contact($1, $2) c", scene.location_id, who.reference
        )
    return await scene.tx.fetchval(
        """
        select c.id from kotally.contacts c
         where c.location_id = $1
           and (lower(c.email) = lower(trim($2))
                or regexp_replace(c.phone, '[^0-9]', '', 'g')
                   = nullif(regexp_replace($3, '[^0-9]', '', 'g'), ''))
         order by lower(c.email) = lower(trim($2)) desc nulls last, c.created_at, c.id limit 1
        """,
        scene.location_id,
        who.email,
        who.phone,
    )


def _is_introduced(who: Somebody) -> bool:
    return bool(who.email or who.name or who.phone)


async def is_same_person(scene: Scene, contact_id: UUID, other_id: UUID) -> bool:
    """Tell whether two contacts are one person, by e-mail or phone."""
    return await scene.tx.fetchval(
        "select $3 = any (kotally.same_person($1, $2))", scene.location_id, contact_id, other_id
    )
