"""The migrator, on a small SQL folder of the tests' own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import msgspec
import pytest

from kotally.config import Secret
from kotally.db.connections import Target, connect
from kotally.db.migrator import Applied, SchemaError, check, migrate
from kotally.db.roles import RoleError
from kotally.db.sqlfiles import Scripts, SqlError, read_scripts

TABLE = 'create table kotally.notes (location_id text collate "C", id int);'
COUNT = (
    "create or replace function kotally.count_notes() returns bigint language sql stable"
    " as $$ select count(*) from kotally.notes $$;"
)
OWNED = "alter function kotally.count_notes() owner to kotally_ledger;"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an SQL folder with one migration and one function."""
    for name in ("migrations", "functions", "views"):
        (tmp_path / name).mkdir()
    (tmp_path / "migrations" / "0001_notes.sql").write_text(TABLE)
    (tmp_path / "functions" / "count_notes.sql").write_text(COUNT)
    return tmp_path


def write(folder: Path, name: str, text: str) -> Scripts:
    """Write one file and read the folder again."""
    (folder / name).write_text(text)
    return read_scripts(folder)


async def ask(target: Target, sql: str) -> object:
    """Ask one value as the owner."""
    connection = await connect(target, role=None)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_a_new_database_gets_everything_once(blank: Target, folder: Path) -> None:
    scripts = read_scripts(folder)

    assert await migrate(blank, scripts) == Applied((1,), ("count_notes",))
    assert await migrate(blank, scripts) == Applied((), ())
    await check(blank, scripts)


async def test_a_changed_function_is_applied_again_and_nothing_else(
    blank: Target, folder: Path
) -> None:
    (folder / "functions" / "other.sql").write_text(COUNT.replace("count_notes", "other"))
    await migrate(blank, read_scripts(folder))

    changed = write(folder, "functions/count_notes.sql", COUNT.replace("count(*)", "42 + count(*)"))

    with pytest.raises(SchemaError, match=r"count_notes.*kotally migrate"):
        await check(blank, changed)
    assert await migrate(blank, changed) == Applied((), ("count_notes",))
    assert await ask(blank, "select kotally.count_notes()") == 42


async def test_what_comes_after_a_changed_text_is_applied_again(
    blank: Target, folder: Path
) -> None:
    view = (
        "-- after: count_notes\ncreate or replace view kotally.a as select kotally.count_notes();"
    )
    await migrate(blank, write(folder, "views/a.sql", view))

    changed = write(folder, "functions/count_notes.sql", COUNT + "-- again")

    assert await migrate(blank, changed) == Applied((), ("count_notes", "a"))


async def test_grants_come_last_and_with_every_change(blank: Target, folder: Path) -> None:
    granted = "grant execute on function kotally.count_notes() to kotally_app;"
    scripts = write(folder, "grants.sql", granted)
    assert (await migrate(blank, scripts)).repeatables == ("count_notes", "grants")

    changed = write(folder, "functions/count_notes.sql", COUNT + "-- again")

    assert (await migrate(blank, changed)).repeatables == ("count_notes", "grants")


async def test_a_function_can_be_given_to_the_ledger_role(blank: Target, folder: Path) -> None:
    await migrate(blank, write(folder, "functions/count_notes.sql", COUNT + OWNED))

    owner = "select proowner::regrole::text from pg_proc where proname = 'count_notes'"
    create = "select has_schema_privilege('kotally_ledger', 'kotally', 'create')"
    assert await ask(blank, owner) == "kotally_ledger"
    assert await ask(blank, create) is False


async def test_a_new_migration_applies_every_text_again(blank: Target, folder: Path) -> None:
    await migrate(blank, read_scripts(folder))

    more = write(folder, "migrations/0002_more.sql", "alter table kotally.notes add text text;")

    assert await migrate(blank, more) == Applied((2,), ("count_notes",))


async def test_a_changed_migration_is_refused(blank: Target, folder: Path) -> None:
    await migrate(blank, read_scripts(folder))

    changed = write(folder, "migrations/0001_notes.sql", TABLE + "-- quietly")

    for act in (migrate, check):
        with pytest.raises(SchemaError, match="0001_notes was changed after it was applied"):
            await act(blank, changed)


async def test_a_database_newer_than_the_code_is_named_with_both_versions(
    blank: Target, folder: Path
) -> None:
    older = read_scripts(folder)
    await migrate(blank, write(folder, "migrations/0002_more.sql", "select 1;"))

    for act in (migrate, check):
        with pytest.raises(SchemaError, match=r"at version 0002, .* only up to 0001"):
            await act(blank, older)


async def test_a_database_without_our_schema_is_told_apart(blank: Target, folder: Path) -> None:
    with pytest.raises(SchemaError, match=r"at version 0000, .* needs 0001 with 0001_notes"):
        await check(blank, read_scripts(folder))


async def test_a_failing_migration_leaves_nothing_and_names_its_line(
    blank: Target, folder: Path
) -> None:
    broken = write(folder, "migrations/0002_more.sql", "create table kotally.x ();\nselect wrong;")

    with pytest.raises(asyncpg.UndefinedColumnError) as caught:
        await migrate(blank, broken)

    assert caught.value.__notes__ == ["in 0002_more.sql, line 2"]
    assert await ask(blank, "select to_regclass('kotally.x')") is None
    assert await ask(blank, "select max(version) from kotally.migrations") == 1


async def test_many_at_once_migrate_once(blank: Target, folder: Path) -> None:
    scripts = read_scripts(folder)

    done = await asyncio.gather(*(migrate(blank, scripts) for _ in range(8)))

    assert sorted(done, key=repr) == [Applied((), ())] * 7 + [Applied((1,), ("count_notes",))]


async def test_a_login_that_may_not_make_roles_gets_the_statements(
    blank: Target, folder: Path
) -> None:
    connection = await connect(blank, role=None)
    await connection.execute("drop role if exists kotally_test_guest")
    await connection.execute("create role kotally_test_guest login password 'guest'")
    await connection.execute(f"grant create on database {blank.database} to kotally_test_guest")
    await connection.close()
    guest = msgspec.structs.replace(blank, user="kotally_test_guest", password=Secret("guest"))

    with pytest.raises(RoleError) as refused:
        await migrate(guest, read_scripts(folder))

    # What the message says to run can be run as it stands, and is enough.
    _, _, statements = str(refused.value).partition("run:")
    connection = await connect(blank, role=None)
    await connection.execute(statements)
    assert (await migrate(guest, read_scripts(folder))).migrations == (1,)
    await connection.execute("drop owned by kotally_test_guest")
    await connection.execute("drop role kotally_test_guest")
    await connection.close()


def test_the_folder_must_be_in_order(folder: Path) -> None:
    with pytest.raises(SqlError, match="expected number 0002"):
        write(folder, "migrations/0003_gap.sql", "")
    (folder / "migrations" / "0003_gap.sql").unlink()
    with pytest.raises(SqlError, match="named like"):
        write(folder, "migrations/notes.sql", "")
    (folder / "migrations" / "notes.sql").unlink()
    with pytest.raises(SqlError, match="nowhere, which does not exist"):
        write(folder, "functions/a.sql", "-- after: nowhere\n")
    with pytest.raises(SqlError, match="wait for each other"):
        write(folder, "functions/a.sql", "-- after: a\n")


def test_an_order_is_kept_over_folders(folder: Path) -> None:
    (folder / "functions" / "a.sql").write_text("-- after: total, count_notes\n")
    scripts = write(folder, "views/total.sql", "-- after: count_notes\n")

    assert [text.name for text in scripts.repeatables] == ["count_notes", "total", "a"]


async def test_the_products_own_sql_fits_a_new_database(blank: Target) -> None:
    done = await migrate(blank)

    assert done.migrations
    assert await migrate(blank) == Applied((), ())
