"""
The schema can be spread over a cluster, and its roles may do what they should and no more.

Every rule is read from the catalogue of a migrated database, so that no way of writing a
migration can get around it. The first half keeps a cluster's rules: a table is either control
(small, a copy on each node) or lies behind the wall (location_id leads every key).
"""

from __future__ import annotations

import pytest

from kotally.db import Database
from kotally.db.connections import APP_ROLE, LEDGER_ROLE

# Belongs to the owner, who alone may analyze; names what it analyzes as a regclass.
MAINTENANCE = "refresh_statistics"
CONTROL = {
    "workspaces", "users", "locations", "api_clients", "sweeps", "migrations", "repeatables",
}  # fmt: skip

COLUMNS = """
    select c.relname as "table", a.attname as name, a.attnum as number, a.attnotnull as required,
           format_type(a.atttypid, a.atttypmod) as type, k.collname as collation,
           a.attidentity <> '' as is_identity, a.attacl is not null as is_granted,
           pg_get_expr(d.adbin, d.adrelid) as fallback
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_collation k on k.oid = a.attcollation
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
     where c.relnamespace = 'kotally'::regnamespace and c.relkind in ('r', 'p')
     order by 1, 3
"""

CONSTRAINTS = """
    select c.relname as "table", k.conname as name, k.contype::text as kind, k.condeferrable,
           k.convalidated, f.relname as refers_to, k.confdeltype::text as on_delete,
           k.confupdtype::text as on_update,
           array(select a.attname::text from unnest(k.conkey) with ordinality n (number, place)
                   join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.number
                  order by n.place) as columns,
           array(select a.attname::text from unnest(k.confkey) with ordinality n (number, place)
                   join pg_attribute a on a.attrelid = k.confrelid and a.attnum = n.number
                  order by n.place) as referred
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      left join pg_class f on f.oid = k.confrelid
     where k.connamespace = 'kotally'::regnamespace
     order by 1, 2
"""

UNIQUE_INDEXES = """
    select t.relname as "table", c.relname as name,
           (select a.attname from pg_attribute a
             where a.attrelid = i.indrelid and a.attnum = i.indkey[0]) as first
      from pg_index i
      join pg_class c on c.oid = i.indexrelid
      join pg_class t on t.oid = i.indrelid
     where c.relnamespace = 'kotally'::regnamespace and (i.indisunique or i.indisexclusion)
     order by 1, 2
"""

FUNCTIONS = """
    select p.proname as name, pg_get_userbyid(p.proowner) as owner, p.prosecdef as is_definer,
           p.provolatile::text as volatility, l.lanname as language, p.prosrc as body,
           coalesce(p.proconfig, '{}') as settings, p.prokind::text as kind,
           coalesce(p.proargnames[1], '') as first,
           coalesce(format_type(p.proargtypes[0], null), '') as first_type,
           coalesce(p.proargnames, '{}') as names,
           has_function_privilege('public', p.oid, 'execute') as is_public,
           has_function_privilege($1::text, p.oid, 'execute') as is_for_app
      from pg_proc p
      join pg_language l on l.oid = p.prolang
     where p.pronamespace = 'kotally'::regnamespace
     order by 1
"""


async def walled(db: Database) -> set[str]:
    """Return the tables behind the wall."""
    return {row["table"] for row in await db.fetch(COLUMNS)} - CONTROL


async def test_there_is_a_wall(catalogue: Database) -> None:
    """If the reading of the catalogue broke, every other test here would pass."""
    assert {"postings", "entries", "lots", "holds", "payments"} <= await walled(catalogue)


async def test_location_id_is_the_first_column_behind_the_wall(catalogue: Database) -> None:
    """The same type everywhere, or tables cannot lie together."""
    tables = await walled(catalogue)
    firsts = [row for row in await catalogue.fetch(COLUMNS) if row["number"] == 1]

    wrong = [
        row["table"]
        for row in firsts
        if row["table"] in tables
        and (row["name"], row["type"], row["collation"], row["required"], row["fallback"])
        != ("location_id", "text", "C", True, None)
    ]
    assert wrong == []


async def test_every_key_begins_with_the_location(catalogue: Database) -> None:
    """Primary keys, unique and exclusion constraints, and unique indexes alike."""
    tables = await walled(catalogue)
    keys = await catalogue.fetch(UNIQUE_INDEXES)

    assert [k["name"] for k in keys if k["table"] in tables and k["first"] != "location_id"] == []
    with_key = {row["table"] for row in await catalogue.fetch(CONSTRAINTS) if row["kind"] == "p"}
    assert tables - with_key == set()


async def test_foreign_keys_stay_in_the_location(catalogue: Database) -> None:
    """Composite between walled tables; to a control table only to locations, never back."""
    tables = await walled(catalogue)
    wrong = []
    for key in await catalogue.fetch(CONSTRAINTS):
        if key["kind"] != "f":
            continue
        from_wall, to_wall = key["table"] in tables, key["refers_to"] in tables
        if from_wall and to_wall:
            is_right = key["columns"][0] == key["referred"][0] == "location_id"
        elif from_wall:
            is_right = key["columns"] == ["location_id"] and key["refers_to"] == "locations"
        else:
            is_right = not to_wall
        if not is_right:
            wrong.append(key["name"])

    assert wrong == []


async def test_foreign_keys_are_named_by_us(catalogue: Database) -> None:
    """A conversion drops and makes them again by name."""
    wrong = [
        key["name"]
        for key in await catalogue.fetch(CONSTRAINTS)
        if key["kind"] == "f" and key["name"] == f"{key['table']}_{'_'.join(key['columns'])}_fkey"
    ]
    assert wrong == []


async def test_no_constraint_waits_or_acts(catalogue: Database) -> None:
    """None is deferrable, none unproved, and no foreign key deletes or empties anything."""
    rows = await catalogue.fetch(CONSTRAINTS)

    assert [row["name"] for row in rows if row["condeferrable"] or not row["convalidated"]] == []
    # "a" is no action; a space stands where the constraint is no foreign key.
    acting = [row["name"] for row in rows if {row["on_delete"], row["on_update"]} - {"a", " ", ""}]
    assert acting == []


async def test_nothing_happens_behind_the_back(catalogue: Database) -> None:
    """No trigger of ours, no rule but what makes a view, no row policy, no event trigger."""
    triggers = "select tgname from pg_trigger where not tgisinternal"
    rules = """
        select rulename from pg_rewrite r join pg_class c on c.oid = r.ev_class
         where c.relnamespace = 'kotally'::regnamespace and rulename <> '_RETURN'
    """
    for sql in (
        triggers,
        rules,
        "select polname from pg_policy",
        "select evtname from pg_event_trigger",
    ):
        assert [row[0] for row in await catalogue.fetch(sql)] == []


async def test_there_are_no_counters(catalogue: Database) -> None:
    """No sequence, serial or identity: ids are made by the caller, numbers under a lock."""
    sequences = await catalogue.fetch(
        "select relname from pg_class where relkind = 'S'"
        " and relnamespace = 'kotally'::regnamespace"
    )
    counted = [
        row["name"]
        for row in await catalogue.fetch(COLUMNS)
        if row["is_identity"] or "nextval" in (row["fallback"] or "")
    ]
    assert (list(sequences), counted) == ([], [])


async def test_there_are_no_extensions(catalogue: Database) -> None:
    found = await catalogue.fetch("select extname from pg_extension")

    assert [row["extname"] for row in found] == ["plpgsql"]


async def test_functions_begin_with_the_location(catalogue: Database) -> None:
    """
    Whatever reads or writes behind the wall takes the location first, or a row that has one.

    A cluster sends a call to the node of its first argument.
    """
    tables = await walled(catalogue)
    rows = {f"kotally.{table}" for table in tables}
    wrong = []
    for function in await catalogue.fetch(FUNCTIONS, APP_ROLE):
        is_of_row = function["first_type"] in rows
        is_of_location = (function["first"], function["first_type"]) == ("p_location_id", "text")
        touches = any(
            f"{word} kotally.{table} " in function["body"].replace("\n", " ")
            for table in tables
            for word in ("from", "join", "into", "update")
        )
        if (touches or "p_location_id" in function["names"]) and not (is_of_location or is_of_row):
            wrong.append(function["name"])

    assert wrong == []


async def test_functions_are_plain(catalogue: Database) -> None:
    """SQL or PL/pgSQL, no dynamic statement, and nobody but our roles may call them."""
    functions = await catalogue.fetch(FUNCTIONS, APP_ROLE)

    assert {function["language"] for function in functions} == {"sql", "plpgsql"}
    assert {function["kind"] for function in functions} == {"f"}
    dynamic = [f["name"] for f in functions if "execute " in f["body"].replace("\n", " ")]
    assert dynamic == [MAINTENANCE]
    assert [f["name"] for f in functions if f["is_public"]] == []
    assert [f["name"] for f in functions if not f["is_for_app"]] == []


async def test_functions_of_others_rights_are_fenced(catalogue: Database) -> None:
    """Each pins where names are looked up and is owned by the kernel's role, which owns no more."""
    functions = await catalogue.fetch(FUNCTIONS, APP_ROLE)
    definers = [function for function in functions if function["is_definer"]]

    assert {"apply", "post", "lock_contacts", "expire_lots", "lapse_holds"} <= {
        function["name"] for function in definers
    }
    wrong = [
        function["name"]
        for function in definers
        if (function["owner"] != LEDGER_ROLE) is not (function["name"] == MAINTENANCE)
        or "search_path=pg_catalog, pg_temp" not in function["settings"]
    ]
    assert wrong == []
    assert [f["name"] for f in functions if f["owner"] == LEDGER_ROLE and not f["is_definer"]] == []
    owned = "select relname from pg_class where pg_get_userbyid(relowner) = any ($1)"
    assert list(await catalogue.fetch(owned, [APP_ROLE, LEDGER_ROLE])) == []


KERNEL = {
    "postings": {"insert"},
    "entries": {"insert"},
    "requests": {"insert"},
    "expiry_changes": {"insert"},
    "balances": {"insert", "update"},
    "lots": {"insert", "update"},
    "holds": {"insert", "update"},
}
FOR_GOOD = {"product_versions", "seals", "happenings"}
RIGHTS = ["select", "insert", "update", "delete", "truncate", "references", "trigger"]


async def rights(db: Database, role: str) -> dict[str, set[str]]:
    """Return what a role may do to each table, columns included."""
    rows = await db.fetch(
        """
        select c.relname as "table", r.name as name
          from pg_class c cross join unnest($2::text[]) r (name)
         where c.relnamespace = 'kotally'::regnamespace and c.relkind in ('r', 'p')
           and has_table_privilege($1, c.oid, r.name)
        """,
        role,
        RIGHTS,
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["table"], set()).add(row["name"])
    return found


@pytest.mark.parametrize("table", KERNEL)
async def test_only_the_kernel_writes_ledger_tables(catalogue: Database, table: str) -> None:
    """The application reads them; the kernel's role may add to history and change no more."""
    assert (await rights(catalogue, APP_ROLE))[table] == {"select"}
    assert (await rights(catalogue, LEDGER_ROLE))[table] == {"select"} | KERNEL[table]


async def test_what_is_written_for_good_cannot_be_changed(catalogue: Database) -> None:
    """Versions, seals and happenings: added to, never changed."""
    of_app, of_kernel = [await rights(catalogue, role) for role in (APP_ROLE, LEDGER_ROLE)]

    for table in FOR_GOOD:
        assert of_app[table] == {"select", "insert"}, table
        assert of_kernel[table] <= {"select", "insert"}, table


async def test_nothing_is_removed_but_blockers(catalogue: Database) -> None:
    for role in (APP_ROLE, LEDGER_ROLE):
        found = await rights(catalogue, role)
        removable = {table for table, may in found.items() if may - {"select", "insert", "update"}}
        assert removable == ({"blockers"} if role == APP_ROLE else set())
        assert found.get("blockers", set()) - {"select", "insert", "update", "delete"} == set()


@pytest.mark.parametrize("table", ["migrations", "repeatables"])
async def test_the_migrators_own_tables_are_closed(catalogue: Database, table: str) -> None:
    for role in (APP_ROLE, LEDGER_ROLE):
        assert (await rights(catalogue, role)).get(table, set()) <= {"select"}


async def test_nothing_is_granted_by_column_or_to_everybody(catalogue: Database) -> None:
    columns = await catalogue.fetch(COLUMNS)
    assert [(row["table"], row["name"]) for row in columns if row["is_granted"]] == []

    assert await rights(catalogue, "public") == {}


async def test_the_roles_are_small(catalogue: Database) -> None:
    """Nobody signs in as them, they are above nothing, and neither is the other."""
    rows = await catalogue.fetch(
        """
        select rolname, rolcanlogin or rolsuper or rolcreatedb or rolcreaterole or rolreplication
               or rolbypassrls as is_great
          from pg_roles where rolname = any ($1)
        """,
        [APP_ROLE, LEDGER_ROLE],
    )
    assert {row["rolname"]: row["is_great"] for row in rows} == {
        APP_ROLE: False,
        LEDGER_ROLE: False,
    }
    member = "select pg_has_role($1, $2, 'member')"
    assert not await catalogue.fetchval(member, APP_ROLE, LEDGER_ROLE)
    assert not await catalogue.fetchval(member, LEDGER_ROLE, APP_ROLE)


async def test_nobody_may_make_anything_in_the_schema(catalogue: Database) -> None:
    """What could be made there could stand before what we mean."""
    sql = "select has_schema_privilege($1, $2, 'create')"
    for role in (APP_ROLE, LEDGER_ROLE, "public"):
        for schema in ("kotally", "public"):
            assert not await catalogue.fetchval(sql, role, schema), (role, schema)
