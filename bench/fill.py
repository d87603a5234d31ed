"""Fill a database for the bench, by the kernel's own functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.core.clock import now
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.db.connections import NO_LIMITS, connect
from kotally.ledger.acts import Act, Key, act, digest
from kotally.products import products
from kotally.workspaces import api_clients, locations, workspaces

CREDITS: Final = 1_000_000
CHUNK: Final = 1_000
DEEP: Final = "deep"  # the contact with a long history
POSTED_AT_ONCE: Final = 10_000

# One lot for each contact, issued by a posting as an import from another system would be.
_ISSUE: Final[LiteralString] = """
  with given as materialized (
    select c as contact_id, kotally.new_id() as lot_id, kotally.new_id() as id
      from unnest($2::uuid[]) c)
  select kotally.post($1, kotally.location_now($1),
    (select array_agg((g.contact_id, g.id, 'grant', 'opening_balance', 'import', 'bench',
              g.id::text,
              0::smallint, g.id, null, null, null, null, null,
              array[(g.lot_id, 'issued', 'available', $3)::kotally.new_entry])::kotally.new_posting)
       from given g),
    (select array_agg(jsonb_populate_record(
              kotally.empty_lot($1, g.contact_id, kotally.location_now($1)),
              jsonb_build_object('id', g.lot_id, 'entitlement_id', g.lot_id,
                'product_config_id', 'pc_1', 'product_version', 1,
                'coverage', jsonb_build_object('cal_1', 1))))
       from given g))
"""

# So many deductions of one credit for each contact, as an import would bring them along.
_HISTORY: Final[LiteralString] = """
  select kotally.post($1, kotally.location_now($1), array_agg(
    (l.contact_id, g.id, 'deduct', 'booking', 'import', 'bench', g.id::text, 0::smallint, g.id,
     null, null, null, null, null,
     array[(l.id, 'available', 'consumed', 1)::kotally.new_entry])::kotally.new_posting
    order by l.contact_id))
    from kotally.lots l
   cross join lateral (
     select kotally.new_id() as id from generate_series(1, $3) where l.id is not null) g
   where l.location_id = $1 and l.contact_id = any ($2::uuid[])
"""


class Studio(Struct, frozen=True):
    """A location that was filled, and the token of a client of it."""

    location_id: str
    token: str


async def studio(db: Database, location_id: str, *, workspace_id: UUID) -> Studio:
    """Make a location with one product and a client that may do everything, fast."""
    made = await locations.create(
        db, workspace_id, name=location_id, timezone="UTC", location_id=location_id
    )
    assert isinstance(made, locations.Location), made
    terms = products.Terms(name="Card", credits=CREDITS, coverage={"cal_1": 1})
    sold = await products.create(db, location_id, type="package", terms=terms, product_id="pc_1")
    assert isinstance(sold, products.Product), sold
    scopes: list[str] = list(api_clients.SCOPES)
    issued = await api_clients.create(
        db, location_id, name="bench", scopes=scopes, rate=api_clients.RATE_MAX
    )
    assert isinstance(issued, api_clients.Issued), issued
    return Studio(location_id, issued.token)


async def workspace(db: Database) -> UUID:
    """Make the workspace that owns the locations, or return it."""
    if found := await db.fetchval("select id from kotally.workspaces limit 1"):
        return found
    made = await workspaces.create(
        db, name="Bench", owner_email="bench@example.com", password=str(new_id())
    )
    assert isinstance(made, workspaces.Workspace), made
    return made.id


async def members(owner: Database, location_id: str, count: int, *, name: str = "m") -> list[UUID]:
    """Make contacts called m0, m1, … with a lot each; with one, the name is the contact's own."""
    names = [name] if count == 1 else [f"{name}{number}" for number in range(count)]
    ids = [new_id() for _ in names]
    await owner.execute(
        """
        insert into kotally.contacts (location_id, id, external_id, created_at)
        select $1, c.id, c.name, kotally.location_now($1)
          from unnest($2::uuid[], $3::text[]) c (id, name)
        """,
        location_id,
        ids,
        names,
    )
    await owner.execute(
        "insert into kotally.balances (location_id, contact_id) select $1, unnest($2::uuid[])",
        location_id,
        ids,
    )
    for chunk in _chunks(ids, CHUNK):
        await owner.execute(_ISSUE, location_id, chunk, CREDITS)
    return ids


async def history(
    owner: Database, location_id: str, contacts: Sequence[UUID], *, each: int
) -> None:
    """Give each contact so many deductions, written as an import would be."""
    for chunk in _chunks(contacts, max(1, POSTED_AT_ONCE // each)):
        await owner.execute(_HISTORY, location_id, chunk, each)


async def deductions(db: Database, location_id: str, name: str, *, count: int) -> None:
    """Deduct so often from one contact as callers would, with holds and remembered requests."""
    for start in range(0, count, CHUNK):
        acts = [
            deduction(location_id, name, f"fill-{n}")
            for n in range(start, min(start + CHUNK, count))
        ]
        rows = await db.fetch(
            "select code from kotally.apply($1, $2::kotally.act[])",
            location_id,
            [msgspec.structs.astuple(each) for each in acts],
        )
        assert {row["code"] for row in rows} == {"deducted"}, rows[0]


def deduction(location_id: str, name: str, request_id: str) -> Act:
    """Make the act of one deduction, as the API would."""
    asked = {"location_id": location_id, "external_contact_id": name, "request_id": request_id}
    hash_, body = digest("deduct", asked | {"calendar_id": "cal_1", "external_ref": request_id})
    key = Key(request_id, hash_, body, new_id(), "api", "client:bench")
    return act(
        "deduct",
        key,
        external_contact_id=name,
        calendar_id="cal_1",
        amount=1,
        appointment_at=now() + timedelta(days=30),
        external_ref=f"appt-{request_id}",
    )


def key(request_id: str) -> Key:
    """Name a request of the bench."""
    hash_, body = digest("bench", request_id)
    return Key(request_id, hash_, body, new_id(), "api", "client:bench")


async def settle(owner: Database) -> None:
    """Leave the tables as a database that has run for a while: with statistics, checkpointed."""
    connection = await connect(owner.target, role=None, limits=NO_LIMITS)
    try:
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    finally:
        await connection.close()


def _chunks(items: Sequence[UUID], size: int) -> list[Sequence[UUID]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
