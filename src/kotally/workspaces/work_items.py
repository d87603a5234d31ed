"""The work queue: what a person has to look at, until somebody says what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.core.calendar import iso, with_times_written
from kotally.core.ids import new_id
from kotally.core.paging import Page, page
from kotally.db import Database, Queries
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play

Kind = Literal["billing_drift", "same_sale", "strikes_reached"]
Settled = Literal["resolved", "dismissed"]
Standing = Literal["open", "settled", "all"]

_LAST: Final = UUID(int=2**128 - 1)
_PAGE: Final[LiteralString] = """
    select w.id, json_build_object(
             'id', w.id, 'kind', w.kind, 'status', coalesce(w.outcome, 'open'),
             'contact_id', w.contact_id, 'external_contact_id', c.external_id,
             'entitlement_id', w.entitlement_id, 'details', w.details,
             'raised_at', kotally.iso(w.raised_at), 'settled_at', kotally.iso(w.settled_at),
             'settled_by', w.settled_by, 'note', w.note)::text as item
      from kotally.work_items w
      join kotally.contacts c on c.location_id = $1 and c.id = w.contact_id
     where w.location_id = $1 and w.id < $2
       and ($4 = 'all' or (w.settled_at is null) = ($4 = 'open'))
       and ($5::text is null or w.kind = $5)
     order by w.id desc limit $3
"""


class After(Struct, frozen=True, array_like=True):
    """The last item shown."""

    id: UUID


async def put(
    scene: Scene,
    contact_id: UUID,
    entitlement_id: UUID | None,
    *,
    kind: Kind,
    details: Mapping[str, Any],
) -> None:
    """Put something into the queue, as part of the act that found it."""
    await scene.tx.execute(
        """
        insert into kotally.work_items (
          location_id, id, contact_id, entitlement_id, kind, details, raised_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        """,
        scene.location_id,
        new_id(),
        contact_id,
        entitlement_id,
        kind,
        msgspec.to_builtins(with_times_written(details)),
        scene.now,
    )


async def withdraw(scene: Scene, kind: Kind, *, about: Mapping[str, str], note: str) -> None:
    """Take an open item out of the queue, because what it was about was corrected."""
    await scene.tx.execute(
        """
        update kotally.work_items w
           set outcome = 'dismissed', note = $4, settled_by = $5, settled_at = $6
         where w.location_id = $1 and w.kind = $2 and w.details @> $3 and w.settled_at is null
        """,
        scene.location_id,
        kind,
        about,
        note,
        scene.key.actor,
        scene.now,
    )


async def listed(
    db: Queries,
    location_id: str,
    *,
    status: Standing = "open",
    kind: Kind | None = None,
    after: After | None = None,
    limit: int,
) -> Page[After]:
    """Read a page of the queue, the newest first."""
    place = after.id if after else _LAST
    rows = await db.fetch(_PAGE, location_id, place, limit + 1, status, kind)
    return page(rows, limit, item="item", place=lambda row: After(row["id"]))


async def settle(
    db: Database,
    location_id: str,
    item_id: UUID,
    *,
    outcome: Settled,
    note: str,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Say what became of an item: something was done about it, or nothing has to be.

    Codes: `work_item_settled`, WORK_ITEM_NOT_FOUND, WORK_ITEM_ALREADY_SETTLED.
    """

    async def work(scene: Scene) -> Done:
        return await _settled(scene, item_id, outcome, note=note)

    operation = f"settle work item {item_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def _settled(scene: Scene, item_id: UUID, outcome: Settled, *, note: str) -> Done:
    row = await scene.tx.fetchrow(
        """
        select w.contact_id, w.entitlement_id, w.kind, w.outcome, w.settled_at
          from kotally.work_items w
         where w.location_id = $1 and w.id = $2 for no key update
        """,
        scene.location_id,
        item_id,
    )
    if row is None:
        raise Declined("WORK_ITEM_NOT_FOUND")
    if row["settled_at"] is not None:
        raise Declined("WORK_ITEM_ALREADY_SETTLED", **_facts(item_id, dict(row)))
    await scene.tx.execute(
        """
        update kotally.work_items w
           set outcome = $3, note = $4, settled_by = $5, settled_at = $6
         where w.location_id = $1 and w.id = $2
        """,
        scene.location_id,
        item_id,
        outcome,
        note,
        scene.key.actor,
        scene.now,
    )
    await scene.happened(
        row["contact_id"],
        f"work_item_{outcome}",
        entitlement_id=row["entitlement_id"],
        work_item_id=item_id,
        kind=row["kind"],
        note=note,
    )
    settled = {**dict(row), "outcome": outcome, "settled_at": scene.now}
    return Done("work_item_settled", {**_facts(item_id, settled), "contact_id": row["contact_id"]})


def _facts(item_id: UUID, row: Mapping[str, Any]) -> dict[str, Any]:
    settled_at: datetime = row["settled_at"]
    return {
        "work_item_id": item_id,
        "kind": row["kind"],
        "status": row["outcome"],
        "settled_at": iso(settled_at),
    }
