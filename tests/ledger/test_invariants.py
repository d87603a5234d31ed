"""
The fifteen invariants of the books, each attacked by raw SQL.

As the application, which may touch no ledger table; as the kernel's own role, which may only add
to history; and as the owner, whom the constraints hold too. Each refusal is named exactly.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from kotally.db import Database
from kotally.db.connections import APP_ROLE, LEDGER_ROLE, Target
from tests import make
from tests.ledger import books
from tests.ledger.desk import NOON, Desk

ROLES = {"application": APP_ROLE, "kernel": LEDGER_ROLE, "owner": None}
DENIED = "42501"
HISTORY = ["postings", "entries", "requests"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def roles(ledger_target: Target) -> AsyncIterator[dict[str, Database]]:
    """Give the database as each role sees it."""
    made = {name: Database(ledger_target, role=role, pool_size=1) for name, role in ROLES.items()}
    yield made
    for database in made.values():
        await database.close()


class Books(NamedTuple):
    """The ids of what is in a small ledger; attacks name them as {location} and so on."""

    location: str
    contact: UUID
    lot: UUID
    other: UUID
    other_lot: UUID
    deduction: UUID
    hold: UUID
    elsewhere: str


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kept(ledger_db: Database, ledger_owner: Database) -> AsyncIterator[Books]:
    """
    Keep books with a lot of 5, a deduction of 2 and an open hold of 1, and a lot of bob's.

    All attacks are on these: each is undone, and at the end nothing may have changed.
    """
    location = await make.location(ledger_owner, clock=NOON)
    desk = Desk(ledger_db, ledger_owner, location)
    lot = await desk.lot(5)
    deducted = await desk.deduct(2, external_ref="bk", request_id="r1")
    held = await desk.hold(1)
    bob = desk.of("bob")
    bobs_lot = await bob.lot(3)
    elsewhere = await make.location(desk.owner, clock=NOON)
    before = await desk.history()
    yield Books(
        desk.location,
        await desk.contact_id(),
        lot,
        await bob.contact_id(),
        bobs_lot,
        UUID(deducted.answer["hold_id"]),
        UUID(held.answer["hold_id"]),
        elsewhere,
    )
    assert await desk.history() == before
    await desk.assert_books()


async def attempted(db: Database, sql: str, kept: Books) -> None:
    """Run a statement and take it back: raises _Undone when nothing refused it."""
    async with db.transaction() as tx:
        await tx.execute(sql.format(**kept._asdict()))  # pyright: ignore[reportArgumentType] - a test composes SQL
        raise _Undone


async def refusal(db: Database, sql: str, kept: Books) -> str | None:
    """Try a statement, undo it, and return the constraint or the state that refused it."""
    try:
        await attempted(db, sql, kept)
    except _Undone:
        return None
    except asyncpg.PostgresError as fault:
        found: Any = fault
        if found.sqlstate == "23502":
            return f"{found.column_name or found.data_type_name} not null"
        return found.constraint_name or found.sqlstate
    return "not run"


class _Undone(Exception):
    """Takes back what an attack was able to do."""


def entry(**columns: str) -> str:
    """Write an entry into the deduction's posting, right but for the columns given."""
    return _insert(
        "entries",
        {
            "location_id": "'{location}'", "contact_id": "'{contact}'", "seq": "2", "line": "9",
            "lot_id": "'{lot}'", "from_bucket": "'available'", "to_bucket": "'consumed'",
            "amount": "1",
        }
        | columns,
    )  # fmt: skip


def posting(**columns: str) -> str:
    """Write a posting at the end of the contact's history, right but for the columns given."""
    return _insert(
        "postings",
        {
            "location_id": "'{location}'", "contact_id": "'{contact}'", "seq": "4",
            "id": "gen_random_uuid()", "kind": "'deduct'", "reason": "'booking'",
            "source": "'api'", "actor": "'attacker'", "request_id": "'new'", "part": "0",
            "correlation_id": "gen_random_uuid()", "effective_at": "now()",
            "recorded_at": "now()", "amount": "-1", "available_after": "1", "held_after": "1",
            "chain": "sha256('')",
        }
        | columns,
    )  # fmt: skip


def _insert(table: str, columns: dict[str, str]) -> str:
    return (
        f"insert into kotally.{table} ({', '.join(columns)}) values ({', '.join(columns.values())})"
    )


def change(table: str, assignments: str, where: str = "true") -> str:
    """Change rows of the attacked location."""
    return (
        f"update kotally.{table} set {assignments} where location_id = '{{location}}' and {where}"
    )


def lot(assignments: str) -> str:
    return change("lots", assignments, "id = '{lot}'")


def hold(assignments: str) -> str:
    return change("holds", assignments, "id = '{hold}'")


def request(**columns: str) -> str:
    """Remember a request, right but for the columns given."""
    return _insert(
        "requests",
        {
            "location_id": "'{location}'", "source": "'api'", "request_id": "'new'",
            "operation": "'deduct'", "request_hash": "sha256('')", "body": "'{{}}'",
            "code": "'deducted'", "answer": "'{{}}'", "correlation_id": "gen_random_uuid()",
            "recorded_at": "now()",
        }
        | columns,
    )  # fmt: skip


BOUND = 1_000_000_000_000
ATTACKS = [
    # 1 Every movement balances.
    ("1 to itself", entry(to_bucket="'available'"), "entries_move_somewhere"),
    ("1 of nothing", entry(amount="0"), "moved_amount_check"),
    ("1 negative", entry(amount="-1"), "moved_amount_check"),
    ("1 used out of nowhere", entry(from_bucket="'issued'"), "entries_known_movement"),
    ("1 back into nowhere", entry(from_bucket="'held'", to_bucket="'issued'"),
     "entries_known_movement"),
    ("1 a lot from nothing", lot("available = available + 1"), "lots_buckets_sum_to_zero"),
    ("1 a lot into nothing", lot("consumed = 0"), "lots_buckets_sum_to_zero"),
    ("1 issued anew", lot("issued = issued + 1"), "lots_buckets_sum_to_zero"),
    # 2 Both sides exist, in the same contact and location.
    ("2 another's lot", entry(lot_id="'{other_lot}'"), "entries_lot_fkey"),
    ("2 no such lot", entry(lot_id="gen_random_uuid()"), "entries_lot_fkey"),
    ("2 no such posting", entry(seq="99"), "entries_posting_fkey"),
    ("2 another location", entry(location_id="'{elsewhere}'"), "entries_posting_fkey"),
    ("2 a lot of nobody",
     ("insert into kotally.lots select (jsonb_populate_record(l, jsonb_build_object("
     "'id', gen_random_uuid(), 'contact_id', gen_random_uuid()))).* from kotally.lots l"
     " where l.location_id = '{location}' and l.id = '{lot}'"),
     "lots_balance_fkey"),
    ("2 a foreign parent", lot("parent_lot_id = gen_random_uuid()"), "lots_parent_fkey"),
    ("2 a balance of nobody",
     ("insert into kotally.balances (location_id, contact_id)"
     " values ('{location}', gen_random_uuid())"),
     "balances_contact_fkey"),
    # 4 Never below the floor.
    ("4 a lot", lot("available = -1, consumed = consumed + 3, issued = issued"), "amount_check"),
    ("4 a balance", change("balances", "available = -1"), "amount_check"),
    ("4 held", change("balances", "held = -1"), "amount_check"),
    # 5 Holds count, and end once.
    ("5 more than held", hold("captured = 2"), "holds_end_once"),
    ("5 twice", hold("captured = 1, released = 1"), "holds_end_once"),
    ("5 closed unsettled", hold("status = 'captured', closed_at = now()"),
     "holds_closed_are_settled"),
    ("5 settled unclosed", hold("closed_at = now()"), "holds_closed_are_settled"),
    ("5 of no units", hold("units = 0"), "positive_check"),
    ("5 of credits unposted", hold("placed_seq = null"), "holds_of_credits_are_posted"),
    ("5 dead with credits", hold("is_live = false"), "holds_live_while_something_is_kept"),
    ("5 twice booked", hold("external_ref = 'bk'"), "holds_booking_key"),
    # 6 Lots never give more than they hold.
    ("6 more out than in", lot("consumed = issued + 1, available = 0, held = 0"),
     "lots_buckets_sum_to_zero"),
    ("6 spent but open", lot("is_open = false"), "lots_open_while_something_is_left"),
    ("6 debt of a pack", lot("owed = 1, consumed = consumed + 1"), "lots_debt_is_an_advance"),
    # 7 One effect per request.
    ("7 a posting again", posting(request_id="'r1'"), "postings_request_key"),
    ("7 a request again", request(request_id="'r1'"), "requests_pkey"),
    ("7 without a digest", request(request_hash="null"), "request_hash not null"),
    ("7 a short digest", request(request_hash="'x'"), "digest_check"),
    ("7 without a name", request(request_id="''"), "request_key_check"),
    ("7 without an answer", request(answer="null"), "answer not null"),
    # 8 A reversal reverses once, and at most what remains.
    ("8 more than taken", change("holds", "returned = 3", "id = '{deduction}'"),
     "holds_give_back_what_was_taken"),
    ("8 what was not taken", hold("returned = 1"), "holds_give_back_what_was_taken"),
    ("8 the future", posting(refers_to="4"), "postings_refer_to_the_past"),
    ("8 nothing", posting(refers_to="-1"), "postings_refers_to_fkey"),
    # 9 A history is numbered.
    ("9 a number twice", posting(seq="3"), "postings_pkey"),
    ("9 number nought", posting(seq="0"), "positive_check"),
    ("9 without a balance", posting(available_after="null"), "available_after not null"),
    # 10 Who, why, from where and when.
    ("10 no reason", posting(reason="null"), "reason not null"),
    ("10 free text", posting(reason="'because'"), "reason_check"),
    ("10 unknown source", posting(source="'nobody'"), "source_check"),
    ("10 no source", posting(source="null"), "source not null"),
    ("10 no actor", posting(actor="null"), "actor not null"),
    ("10 an empty actor", posting(actor="''"), "actor_check"),
    ("10 no contact", posting(contact_id="null"), "contact_id not null"),
    ("10 no correlation", posting(correlation_id="null"), "correlation_id not null"),
    ("10 no time", posting(effective_at="null"), "effective_at not null"),
    ("10 no recorded time", posting(recorded_at="null"), "recorded_at not null"),
    ("10 long ago", posting(effective_at="'1999-12-31Z'"), "moment_check"),
    ("10 unknown kind", posting(kind="'gift'"), "posting_kind_check"),
    # 12 Bounded integers.
    ("12 too large", entry(amount=str(BOUND + 1)), "moved_amount_check"),
    ("12 a lot too large", lot(f"issued = {BOUND + 1}"), "amount_check"),
    ("12 overflow", lot("issued = 9223372036854775807 + issued"), "22003"),
    # 14 Every posting is a link of a chain.
    ("14 no link", posting(chain="null"), "chain not null"),
    ("14 a short link", posting(chain="'x'"), "digest_check"),
    ("14 a short head", change("balances", "head = 'x'"), "digest_check"),
]  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("sql", "refused_by"),
    [pytest.param(sql, by, id=name) for name, sql, by in ATTACKS],
)
async def test_an_attack_is_refused(
    roles: dict[str, Database], kept: Books, role: str, sql: str, refused_by: str
) -> None:
    """Invariants 1, 2, 4 to 10, 12 and 14: by a constraint, and for the application by its role."""
    expected = DENIED if role == "application" else refused_by

    assert await refusal(roles[role], sql, kept) == expected


@pytest.mark.parametrize("role", ["application", "kernel"])
@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize(
    "sql",
    [
        "update kotally.{table} set location_id = location_id",
        "delete from kotally.{table}",
        "truncate kotally.{table}",
        "truncate kotally.{table} cascade",
        "drop table kotally.{table}",
        "alter table kotally.{table} drop column location_id",
        "create trigger t before insert on kotally.{table} execute function kotally.new_id()",
        "create rule r as on insert to kotally.{table} do instead nothing",
        "create index on kotally.{table} (location_id)",
        "comment on table kotally.{table} is 'mine'",
        "grant delete on kotally.{table} to kotally_app",
        "alter table kotally.{table} owner to kotally_app",
        "create policy p on kotally.{table}",
    ],
)
async def test_history_cannot_be_changed(
    roles: dict[str, Database], kept: Books, role: str, table: str, sql: str
) -> None:
    """Invariant 3: nothing is ever changed or removed, by anything that runs."""
    refused = await refusal(roles[role], sql.replace("{table}", table), kept)

    # A grant of what one does not have is passed over with a warning; see the next test.
    assert refused == (None if sql.startswith("grant") else DENIED)


LEDGER_TABLES = ["contacts", "balances", "lots", "holds", *HISTORY]


@pytest.mark.parametrize("table", LEDGER_TABLES)
async def test_nobody_who_runs_may_remove(ledger_owner: Database, table: str) -> None:
    """Invariant 3, from the catalogue: also after somebody tried to grant it."""
    for role in (APP_ROLE, LEDGER_ROLE, "public"):
        for right in ("delete", "truncate", "trigger", "references"):
            sql = "select has_table_privilege($1, 'kotally.' || $2, $3)"
            assert not await ledger_owner.fetchval(sql, role, table, right), (role, right)


async def test_the_application_moves_credits_by_the_kernel_only(
    roles: dict[str, Database], kept: Books
) -> None:
    """The inner functions run with the caller's rights, so calling them past the door is vain."""
    calls = [
        """
        select kotally.enter('{location}', now(), array[(
          '{contact}', gen_random_uuid(), 'adjust', 'correction', 'staff', 'eve', 'new', 0,
          gen_random_uuid(), null, null, null, null, null,
          array[('{lot}', 'available', 'consumed', 1)::kotally.new_entry])::kotally.new_posting])
        """,
        """
        select kotally.open_lots('{location}', array[
          kotally.empty_lot('{location}', '{contact}', now())])
        """,
        """
        select kotally.release_lapsed('{location}', array[h], now()) from kotally.holds h
         where h.location_id = '{location}' and h.id = '{hold}'
        """,
    ]

    for sql in calls:
        assert await refusal(roles["application"], sql, kept) == DENIED


def planned(entry: str, **columns: str) -> str:
    """Call the kernel's writer with one posting, right but for the columns given."""
    fields = {
        "contact": "'{contact}'", "id": "gen_random_uuid()", "kind": "'adjust'",
        "reason": "'correction'", "source": "'staff'", "actor": "'eve'", "request_id": "'new'",
        "part": "0::smallint", "correlation": "gen_random_uuid()", "effective_at": "null",
        "ref": "null", "hold": "null", "refers_to": "null", "metadata": "null",
    } | columns  # fmt: skip
    row = ", ".join(fields.values())
    return (
        "select kotally.post('{location}', now(), array[row("
        f"{row}, array[row({entry})::kotally.new_entry])::kotally.new_posting])"
    )


PLANS = [
    ("overdraft", planned("'{lot}', 'available', 'consumed', 3"), "amount_check"),
    ("from nowhere", planned("'{lot}', 'issued', 'consumed', 1"), "entries_known_movement"),
    ("another's lot", planned("'{other_lot}', 'available', 'consumed', 1"), "entries_lot_fkey"),
    ("nothing", planned("'{lot}', 'available', 'consumed', 0"), "moved_amount_check"),
    ("again", planned("'{lot}', 'available', 'consumed', 1", source="'api'", request_id="'r1'"),
     "postings_request_key"),
    ("nobody", planned("'{lot}', 'available', 'consumed', 1", contact="gen_random_uuid()"),
     "P0001"),
    ("free text", planned("'{lot}', 'available', 'consumed', 1", reason="'because'"),
     "reason_check"),
    ("debt of a pack", planned("'{lot}', 'issued', 'owed', 1"), "amount_check"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "refused_by"), [pytest.param(sql, by, id=name) for name, sql, by in PLANS]
)
async def test_a_wrong_plan_is_refused(
    roles: dict[str, Database], kept: Books, sql: str, refused_by: str
) -> None:
    """Invariants 1, 2, 4, 7 and 10 at the kernel's writer, which trusts nobody's plan."""
    assert await refusal(roles["application"], sql, kept) == refused_by


async def test_time_does_not_run_backwards(desk: Desk) -> None:
    """Invariant 11: whatever the clock does, a contact's recorded times only grow."""
    await desk.lot(5, effective_at="2026-01-01T00:00:00Z")
    for hours in (2, -5, 1, 3):
        await desk.set_clock(NOON + timedelta(hours=hours))
        await desk.deduct(1)

    recorded = [row["recorded_at"] for row in await desk.history()]
    hours = [(at - NOON) // timedelta(hours=1) for at in recorded]
    assert hours == [0, 2, 2, 2, 3]


async def test_there_is_no_fraction_anywhere(ledger_owner: Database) -> None:
    """Invariant 12: no column of ours is a float, a numeric or money."""
    found = await ledger_owner.fetch(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'kotally'"
        "   and data_type in ('real', 'double precision', 'numeric', 'money')"
    )
    assert [tuple(row) for row in found] == []


async def test_a_suspended_studio_takes_nothing_new_but_settles(desk: Desk) -> None:
    """Invariant 13: a closed account takes no movement but the end of what is pending."""
    await make.product(desk.db, desk.location)
    await desk.lot(5)
    held, other = await desk.hold(1), await desk.hold(1)
    await desk.deduct(1, external_ref="bk")
    await desk.db.execute(
        "update kotally.workspaces w set billing_status = 'suspended' from kotally.locations l"
        " where l.workspace_id = w.id and l.id = $1",
        desk.location,
    )

    refused = [
        await desk.grant(1), await desk.deduct(1), await desk.hold(1), await desk.capture(other),
    ]  # fmt: skip
    assert {outcome.code for outcome in refused} == {"BILLING_SUSPENDED"}
    assert (await desk.release(held)).code == "released"
    assert (await desk.restore(1, external_ref="bk")).code == "restored"
    assert (await desk.check(1)).code == "eligible"


FORGERIES = [
    ("lots are the sum of their entries",
     lot("available = available - 1, consumed = consumed + 1")),
    ("balances are the sum of their lots", change("balances", "available = available + 1")),
    ("balances are the end of their history", change("balances", "seq = seq + 1")),
    ("histories run on", change("postings", "amount = amount - 1", "seq = 2")),
    ("histories run on", change("postings", "recorded_at = 'infinity'", "seq = 2")),
    ("histories run on", posting(seq="9")),
    ("chains hold", change("postings", "actor = 'somebody else'", "seq = 2")),
    ("chains hold", change("entries", "amount = 1", "seq = 2")),
    ("holds are the sum of their entries", change("holds", "returned = 1", "id = '{deduction}'")),
    ("what moved was asked for", "delete from kotally.requests where location_id = '{location}'"),
    ("no posting is empty", ("delete from kotally.entries where location_id = '{location}'"
     " and seq = 3")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "sql"), FORGERIES)
async def test_a_forgery_by_the_owner_is_found(
    ledger_owner: Database, kept: Books, rule: str, sql: str
) -> None:
    """Invariants 9, 14 and 15: who may do everything cannot do it unseen."""
    found: dict[str, list[str]] = {}

    async def forge() -> None:
        async with ledger_owner.transaction() as tx:
            await tx.execute(sql.format(**kept._asdict()))  # pyright: ignore[reportArgumentType] - a test composes SQL
            found.update(await books.faults(tx, kept.location))
            raise _Undone

    with pytest.raises(_Undone):
        await forge()
    assert rule in found


async def test_the_books_add_up(ledger_owner: Database, kept: Books) -> None:
    """Invariant 15: sums, heads, chains and holds agree; `desk` proves it after every test."""
    assert await books.faults(ledger_owner, kept.location) == {}
