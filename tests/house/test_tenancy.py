"""No statement crosses the wall between locations unless it says why."""

from __future__ import annotations

import pytest

from tests.house import wall
from tests.house.source import Text, judged, modules, sample, texts

SQL = "src/kotally/sql/"
SAMPLE = wall.Tables(frozenset({"lots", "users"}), frozenset({"lots"}))


def known() -> wall.Tables:
    """Read the tables of the real migrations."""
    return wall.tables(texts(SQL + "migrations/", ".sql"))


def test_the_migrations_have_walled_and_shared_tables() -> None:
    """If the reading of migrations broke, every other test here would pass."""
    found = known()

    assert {"lots", "postings", "entries", "contacts"} <= found.walled
    assert {"workspaces", "locations"} <= found.all - found.walled


@pytest.mark.parametrize("folder", ["functions/", "views/"])
def test_every_sql_statement_stays_in_its_location(folder: str) -> None:
    files = texts(SQL + folder, ".sql")

    assert list(map(str, wall.across_the_wall(wall.from_sql(files), known()))) == []


def test_every_statement_in_python_stays_in_its_location() -> None:
    statements = wall.from_python(modules("src/"))

    assert list(map(str, wall.across_the_wall(statements, known()))) == []


def test_every_table_is_named_with_its_schema() -> None:
    statements = [*wall.from_sql(texts(SQL, ".sql")), *wall.from_python(modules("src/"))]

    assert list(map(str, wall.unqualified(statements, known()))) == []


def test_no_sql_hides_behaviour_or_shouts() -> None:
    files = texts(SQL, ".sql")

    assert judged("sql", files, wall.banned_sql(files)) == []


def test_sql_parameters_cannot_be_mistaken_for_columns() -> None:
    files = texts(SQL, ".sql")

    assert list(map(str, wall.parameter_prefixes(files))) == []


def crossed(text: str) -> bool:
    """Tell whether the statement is caught, as SQL."""
    return bool(list(wall.across_the_wall(wall.from_sql([Text("f.sql", text)]), SAMPLE)))


@pytest.mark.parametrize(
    "text",
    [
        "select * from kotally.lots where id = $1",
        "select location_id from kotally.lots where id = $1",
        "select 1 from kotally.users u join kotally.lots l on l.id = u.id where u.id = $1",
        "select 1 from kotally.users u, kotally.lots l where l.id = u.id",
        "update kotally.lots set available = 0 where id = $1",
        "delete from kotally.lots",
        "delete from kotally.users u using kotally.lots l where l.id = u.id",
        "insert into kotally.lots (id) values ($1)",
        "insert into kotally.lots select * from kotally.users",
        "truncate kotally.lots",
        "delete from kotally.lots where id = $1 returning location_id, id",
        "select 1 from kotally.lots where id = $1 group by location_id",
        "select 1 from kotally.lots where p_location_id = $1",
        "begin select 1 into v from kotally.lots where id = p; end",
        "select 1 from kotally.lots where location_id = $1; delete from kotally.lots",
        "select 'location_id' from kotally.lots where note = 'location_id'",
        "select 1 from kotally.lots where true -- location_id",
        "-- all locations:\nselect 1 from kotally.lots",
        "-- all locations: a sweep sees all\nselect 1 from kotally.lots where location_id = $1",
        "create view kotally.v as select id from kotally.lots",
    ],
)
def test_a_statement_across_the_wall_is_caught(text: str) -> None:
    assert crossed(text)


@pytest.mark.parametrize(
    "text",
    [
        "select * from kotally.lots where location_id = $1 and id = $2",
        "select 1 from kotally.users u join kotally.lots l using (location_id, id)",
        "select 1 from kotally.lots l where (l.location_id, l.id) = ($1, $2)",
        "select 1 from kotally.users u join kotally.lots l on u.location = l.location_id",
        "insert into kotally.lots (location_id, id) values ($1, $2)",
        "-- all locations: what is due is due everywhere\nselect 1 from kotally.lots",
        "select * from kotally.users where id = $1",
        "v_lot kotally.lots; select 1",
        "select null::kotally.lots, 1",
        "create or replace view kotally.v as select location_id, id from kotally.lots",
    ],
)
def test_a_statement_inside_the_wall_is_let_through(text: str) -> None:
    assert not crossed(text)


@pytest.mark.parametrize(
    "text",
    [
        "q = 'select 1 from kotally.lots where id = $1'",
        "q = f'select {x} from kotally.lots where id = $1'",
        "q = ('select 1 '\n  'from kotally.lots')",
        "async def f(db):\n    '''Do.'''\n    await db.fetch('delete from kotally.lots')",
    ],
)
def test_a_statement_in_python_is_caught(text: str) -> None:
    assert list(wall.across_the_wall(wall.from_python(sample(text)), SAMPLE))


def test_prose_about_a_table_is_let_through() -> None:
    text = "def f():\n    '''Select from kotally.lots; update nothing, from kotally.lots.'''"

    assert list(wall.across_the_wall(wall.from_python(sample(text)), SAMPLE)) == []


def test_a_finding_names_the_line_of_its_statement() -> None:
    text = "q = '''\nselect 1;\n\ndelete from kotally.lots'''"

    found = list(wall.across_the_wall(wall.from_python(sample(text)), SAMPLE))

    assert [f.line for f in found] == [4]


def test_a_table_without_its_schema_is_caught() -> None:
    bad, cte = "select 1 from lots", "with lots as (select 1) select * from lots"

    assert list(wall.unqualified(wall.from_sql([Text("f.sql", bad)]), SAMPLE))
    assert list(wall.unqualified(wall.from_sql([Text("f.sql", cte)]), SAMPLE)) == []


@pytest.mark.parametrize(
    "text",
    [
        "create trigger t after insert on kotally.lots",
        "create constraint trigger t",
        "unique (a) deferrable",
        "create sequence kotally.s",
        "id bigserial",
        "id bigint generated always as identity",
        "create extension pgcrypto",
        "references kotally.lots (id) on delete cascade",
        "SELECT 1",
    ],
)
def test_sql_that_hides_or_shouts_is_caught(text: str) -> None:
    assert list(wall.banned_sql([Text("f.sql", text)]))


def test_words_in_comments_and_literals_are_let_through() -> None:
    text = "-- no trigger; SELECT\nselect 'serial'"

    assert list(wall.banned_sql([Text("f.sql", text)])) == []


def test_a_parameter_without_its_prefix_is_caught() -> None:
    bad = "create or replace function kotally.f(p_a text, amount numeric(3, 2)) returns int"
    good = "create or replace function kotally.f(p_a text, p_b numeric(3, 2), out amount int) as"

    assert len(list(wall.parameter_prefixes([Text("f.sql", bad)]))) == 1
    assert list(wall.parameter_prefixes([Text("f.sql", good)])) == []
