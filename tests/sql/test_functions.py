"""Every function compiles, every one of the kernel is run, and Python reads what they return."""

from __future__ import annotations

import re

import msgspec
import pytest

from kotally.db import Database
from kotally.db.connections import APP_ROLE
from kotally.ledger import acts
from tests import make
from tests.ledger.desk import NOON, Desk

BODIES = """
    select p.proname as name, l.lanname as language, p.prosrc as body,
           pg_get_functiondef(p.oid) as text
      from pg_proc p join pg_language l on l.oid = p.prolang
     where p.pronamespace = 'kotally'::regnamespace order by 1
"""
FREEZE = """
    insert into kotally.freezes (
      location_id, id, membership_id, contact_id, starts_on, resumes_on, starts_at, resumes_at,
      mode, covers_packs, status, blocker_id, created_at)
    select $1, kotally.new_id(), m.id, m.contact_id, '2026-05-03', '2026-05-05',
           '2026-05-03T04:00Z', '2026-05-05T04:00Z', 'keep', true, 'planned', kotally.new_id(),
           kotally.location_now($1)
      from kotally.memberships m where m.location_id = $1
"""
GUEST = {"beneficiary_id": "00000000-0000-0000-0000-000000000002", "is_guest": True}
DOORS = {"apply", "post", "lock_contacts", "expire_lots", "lapse_holds", "check"}
CALLED = re.compile(r"kotally\.(\w+)\s*\(")


async def test_every_function_compiles(catalogue: Database) -> None:
    """
    The migrator makes functions in any order, unchecked; here each is checked against the rest.

    That resolves every name and type in SQL functions, and the syntax of PL/pgSQL ones.
    """
    wrong: dict[str, str] = {}
    for function in await catalogue.fetch(BODIES):
        try:
            async with catalogue.transaction() as tx:
                await tx.execute("set local check_function_bodies = on")
                await tx.execute(function["text"])
        except Exception as fault:  # noqa: BLE001 - all are told together
            wrong[function["name"]] = str(fault)

    assert wrong == {}


async def test_no_function_calls_one_that_is_not_there(catalogue: Database) -> None:
    functions = await catalogue.fetch(BODIES)
    types = await catalogue.fetch(
        "select typname from pg_type where typnamespace = 'kotally'::regnamespace"
    )
    tables = {row["typname"] for row in types}
    known = {function["name"] for function in functions} | tables

    missing = {
        (function["name"], called)
        for function in functions
        for called in CALLED.findall(function["body"])
        if called not in known
    }
    assert missing == set()


async def test_a_function_has_one_form(catalogue: Database) -> None:
    """An overload is a leftover: a changed signature makes a second function beside the first."""
    names = [function["name"] for function in await catalogue.fetch(BODIES)]

    assert sorted({name for name in names if names.count(name) > 1}) == []


async def test_every_function_of_the_kernel_runs(owner_db: Database) -> None:
    """A tour through every act; PL/pgSQL plans a statement only when it is reached."""
    await owner_db.execute("alter system set track_functions = 'all'")
    await owner_db.execute("select pg_reload_conf()")
    try:
        app = Database(owner_db.target)
        await tour(Desk(app, owner_db, await make.location(owner_db, clock=NOON)))
        await app.close()
        called = {
            row["funcname"]
            for row in await owner_db.fetch(
                "select funcname from pg_stat_user_functions where schemaname = 'kotally'"
            )
        }
    finally:
        await owner_db.execute("alter system reset track_functions")
        await owner_db.execute("select pg_reload_conf()")

    functions = await owner_db.fetch(BODIES)
    reached = within(DOORS, {f["name"]: f["body"] for f in functions})
    procedural = {f["name"] for f in functions if f["language"] == "plpgsql"}
    assert (reached & procedural) - called == set()


def within(doors: set[str], bodies: dict[str, str]) -> set[str]:
    """Return the functions that can be reached from some."""
    found, new = set[str](), doors
    while new:
        found |= new
        new = {
            called for name in new for called in CALLED.findall(bodies.get(name, ""))
        } & bodies.keys() - found
    return found


async def tour(desk: Desk) -> None:
    """Do everything once."""
    await make.product(desk.db, desk.location)
    await make.product(desk.db, desk.location, "pc_2", kind="membership")
    first = {
        "after": 0, "number": 1, "anchor_on": "2026-03-02",
        "starts_at": "2026-03-02T05:00:00Z", "ends_at": "2026-04-02T04:00:00Z",
    }  # fmt: skip
    for code in ("grant_applied", "STALE"):
        done = await desk.grant(5, membership=first, product_config_id="pc_2")
        assert done.code == code
    await make.product(desk.db, desk.location, "pc_3", rules={"unlimited": True})
    await desk.of("eve").grant(0, product_config_id="pc_3")
    assert (await desk.of("eve").deduct(1, product_config_id="pc_3")).code == "deducted"
    rules = {"arrears": {"advance_max": 2}, "sharing": {"guests": True}}
    await make.product(desk.db, desk.location, "pc_4", rules=rules)
    flo = desk.of("flo")
    await flo.grant(1, product_config_id="pc_4")
    await flo.deduct(2, product_config_id="pc_4", external_ref="advance")
    await flo.restore(2, external_ref="advance")
    await flo.deduct(1, product_config_id="pc_4", args=GUEST)
    await frozen(desk)
    await desk.db.execute(FREEZE, desk.location)
    await desk.grant(5, lot={"expires_at": "2026-03-03T05:00:00Z"})
    await desk.deduct(1, external_ref="bk")
    await desk.deduct(1, external_ref="bk")
    await desk.restore(1, external_ref="bk")
    await desk.capture(await desk.hold(2), 1)
    await desk.capture(await desk.hold(1), 2)
    await desk.release(await desk.hold(1))
    await desk.deduct(1, external_ref="old")
    await desk.block(starts_at=NOON.replace(year=2030))
    await desk.check(1)
    await desk.deduct(99)
    await desk.hold(1, ttl=60)
    await desk.hold(1, ttl=90)
    await desk.set_clock("2026-03-02T12:01")
    await desk.deduct(1)
    await desk.set_clock("2026-03-04T12:00")
    await desk.db.execute("select kotally.lapse_holds($1, 10)", desk.location)
    await desk.restore(1, external_ref="old")
    await desk.sweep()
    for name, product in (("ana", "pc_1"), ("eve", "pc_3")):
        await desk.db.fetch(
            "select * from kotally.check($1, $2::kotally.act[])",
            desk.location,
            [make.check(1, name, product_config_id=product, args={"explain": True})],
        )
    with pytest.raises(Exception, match="INSUFFICIENT"):
        await desk.do(make.deduct(1), make.deduct(99), atomic=True)
    await desk.assert_books()


async def frozen(desk: Desk) -> None:
    """Issue a lot under a freeze that is planned."""
    await desk.db.execute(
        """
        insert into kotally.freezes
          (location_id, id, membership_id, contact_id, starts_on, resumes_on, starts_at, resumes_at,
           mode, covers_packs, status, blocker_id, created_at)
        select m.location_id, kotally.new_id(), m.id, m.contact_id, '2031-03-03', '2031-03-05',
               '2031-03-03T05:00:00Z', '2031-03-05T05:00:00Z', 'keep', true, 'planned',
               kotally.new_id(), '2026-03-02T12:00:00Z'
          from kotally.memberships m where m.location_id = $1
        """,
        desk.location,
    )
    await desk.lot(1, expires_at="2031-04-01T04:00:00Z")


async def attributes(db: Database, name: str) -> list[str]:
    """Return the names of a composite type's attributes, in order."""
    rows = await db.fetch(
        "select a.attname from pg_attribute a where a.attrelid = ('kotally.' || $1)::regclass"
        " and a.attnum > 0 and not a.attisdropped order by a.attnum",
        name,
    )
    return [row["attname"] for row in rows]


async def test_an_act_has_the_fields_that_python_sends(catalogue: Database) -> None:
    """Composites travel by position: a field out of place would be taken for its neighbour."""
    ours = [field.name for field in msgspec.structs.fields(acts.Act)]

    assert [{"digest": "request_hash"}.get(name, name) for name in ours] == await attributes(
        catalogue, "act"
    )
    assert list(make.Act._fields) == await attributes(catalogue, "act")


async def test_an_outcome_has_the_fields_that_python_reads(catalogue: Database) -> None:
    ours = [field.name for field in msgspec.structs.fields(acts.Outcome)]

    assert ["ord", *ours] == await attributes(catalogue, "outcome")
    app = Database(catalogue.target, role=APP_ROLE)
    location = await make.location(catalogue)
    rows = await app.fetch(
        "select * from kotally.apply($1, $2::kotally.act[])", location, [make.deduct(1)]
    )
    await app.close()
    assert list(rows[0].keys()) == ["ord", *ours]
