"""The contact reads: first without a token, then as a stranger, then what they show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from kotally.api import contacts
from kotally.api.routing import Route
from kotally.core.ids import new_id
from tests import make
from tests.api.conftest import refused
from tests.api.studio import START, Studio, at

NOBODY = "0199c0de-7a1e-7c3b-9f10-3b5e2d4c6a70"  # the same in every worker: they compare names
PATHS = [route.path.replace("{id}", "ana") for route in contacts.ROUTES]
LISTS = {
    "/contacts/ana/entitlements": "entitlements",
    "/contacts/ana/appointments/upcoming": "appointments",
    "/contacts/ana/appointments/past": "appointments",
    "/contacts/ana/ledger": "entries",
    "/contacts/ana/payments": "payments",
    "/contacts/ana/timeline": "items",
}


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_token_nothing_is_told(studio: Studio, path: str) -> None:
    refused(await studio.anonymous(path), 401, "UNAUTHORIZED")


@pytest.mark.parametrize("path", PATHS)
async def test_a_stranger_sees_neither_our_location_nor_our_contacts(
    studio: Studio, path: str
) -> None:
    await studio.sell()
    other = await Studio.opened(studio.front)

    ours = await studio.get(path, token=other.token)
    theirs = await other.get(path)

    refused(ours, 403, "LOCATION_MISMATCH")
    refused(theirs, 404, "NOT_FOUND")


@pytest.mark.parametrize("path", PATHS)
async def test_the_scope_is_summary(studio: Studio, path: str) -> None:
    token = await studio.client("grant", "deduct")

    refused(await studio.get(path, token=token), 403, "INSUFFICIENT_SCOPE")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("reference", ["nobody", NOBODY, "%20", "%F0%9F%8E%BE", "a" * 255])
async def test_an_unknown_contact_is_not_found(studio: Studio, path: str, reference: str) -> None:
    refused(await studio.get(path.replace("ana", reference)), 404, "NOT_FOUND")


@pytest.mark.parametrize("name", ["external_contact_id", "ghl_contact_id"])
async def test_no_contact_is_called_by_the_uuid_of_another(studio: Studio, name: str) -> None:
    """The reads take both ids, so each names one contact: nobody is ever taken for another."""
    ana = (await studio.sell())["contact_id"]
    paid = {"request_id": "r", "external_payment_id": "p", "product_config_id": "pc_1"}

    for reference in (ana, ana.upper(), ana.replace("-", "")):
        sold = {**paid, name: reference}
        async with studio.front.untouched():
            alone = refused(await studio.post("/grants", sold), 400, "VALIDATION_ERROR")
            batch = {"operations": [{"operation": "grant", **sold}]}
            many = refused(await studio.post("/batch", batch), 400, "VALIDATION_ERROR")
        assert [error["field"] for error in alone["errors"]] == [name]
        assert "'ana'; send that contact's id instead" in alone["errors"][0]["message"]
        assert [error["field"] for error in many["errors"]] == [f"operations[0].{name}"]
        found = await studio.read(f"/contacts/{ana}")
        assert found["contact"]["external_contact_id"] == "ana"


async def test_the_uuid_of_another_location_is_a_name_like_any_other(studio: Studio) -> None:
    ana = (await studio.sell())["contact_id"]
    other = await Studio.opened(studio.front)

    sold = await other.sell(external_contact_id=ana)

    assert sold["contact_id"] != ana
    assert (await other.read(f"/contacts/{ana}"))["contact"]["id"] == sold["contact_id"]
    assert (await studio.read(f"/contacts/{ana}"))["contact"]["id"] == ana


async def test_a_contact_that_has_nothing_is_known(studio: Studio) -> None:
    await make.contact(studio.front.owner, studio.id)

    summary = (await studio.read("/contacts/ana/summary"))["summary"]
    pages = [(await studio.read(path))[key] for path, key in LISTS.items()]

    assert summary == {
        "credits_available": 0,
        "last_paid_at": None,
        "lifetime_value_cents": 0,
        "payment_events_count": 0,
        "entitlements": [],
        "recent_ledger": [],
        "recent_appointments": [],
        "recent_payments": [],
    }
    assert pages == [[], [], [], [], [], []]


async def test_the_summary_has_the_documented_keys_in_their_order(studio: Studio) -> None:
    granted = await studio.sell(
        amount_cents=9900, currency="USD", email="ana@example.com", name="Ana"
    )
    await studio.take()

    answer = await studio.read("/contacts/ana/summary")

    assert list(answer) == ["ok", "reason_code", "correlation_id", "contact", "summary"]
    assert answer["reason_code"] == "summary_loaded"
    assert list(answer["contact"])[:5] == [
        "id", "ghl_contact_id", "external_contact_id", "email", "name",
    ]  # fmt: skip
    assert (
        answer["contact"]
        | {
            "id": granted["contact_id"],
            "ghl_contact_id": "ana",
            "external_contact_id": "ana",
            "email": "ana@example.com",
            "name": "Ana",
        }
        == answer["contact"]
    )
    summary = answer["summary"]
    assert list(summary) == [
        "credits_available", "last_paid_at", "lifetime_value_cents", "payment_events_count",
        "entitlements", "recent_ledger", "recent_appointments", "recent_payments",
    ]  # fmt: skip
    assert summary["credits_available"] == 9
    assert summary["last_paid_at"] == at(START)
    assert (summary["lifetime_value_cents"], summary["payment_events_count"]) == (9900, 1)
    assert summary["entitlements"] == [
        {
            "id": granted["entitlement_id"],
            "product_config_id": "pc_1",
            "status": "active",
            "credits_remaining": 9,
            "expires_at": None,
        }
    ]
    assert [entry["type"] for entry in summary["recent_ledger"]] == ["deduct", "grant"]


@pytest.mark.parametrize("route", contacts.ROUTES, ids=lambda route: route.path)
async def test_what_is_answered_is_what_is_published(studio: Studio, route: Route) -> None:
    """The database builds the answers: every key is declared, in the declared order."""
    await studio.sell(amount_cents=9900, currency="USD", metadata={"source": "crm"})
    await studio.sell("pc_m")
    soon = at(studio.now + timedelta(days=3))
    await studio.take(2, external_ref="yoga", appointment_time=soon)
    await studio.take(1, external_ref="spin", calendar_id="cal_1")

    response = await studio.get(route.path.replace("{id}", "ana"))
    assert route.answer is not None
    read = msgspec.json.decode(response.content, type=route.answer)

    assert msgspec.json.decode(msgspec.json.encode(read)) == times_cut(response.json())
    assert keys(msgspec.to_builtins(read)) == keys(response.json())


def keys(value: Any) -> Any:
    """List the keys of everything, in order."""
    if isinstance(value, dict):
        return [(key, keys(member)) for key, member in value.items() if key != "metadata"]
    return [keys(member) for member in value] if isinstance(value, list) else None


def times_cut(value: Any) -> Any:
    """Write times as msgspec does, which leaves out a fraction of zero."""
    if isinstance(value, dict):
        return {key: times_cut(member) for key, member in value.items()}
    if isinstance(value, list):
        return [times_cut(member) for member in value]
    return value.replace(".000Z", "Z") if isinstance(value, str) else value


async def credits_(studio: Studio, **query: Any) -> dict[str, int]:
    """Read Ana's balances."""
    return (await studio.read("/contacts/ana/credits", **query))["credits"]


async def entitlement(studio: Studio, **query: Any) -> dict[str, Any]:
    """Read Ana's newest entitlement; the short form must say the same."""
    newest = (await studio.read("/contacts/ana/entitlements", **query))["entitlements"][0]
    short = (await studio.read("/contacts/ana/credits", **query))["entitlements"][0]
    assert short == {key: newest[key] for key in short}
    return newest


async def test_credits_add_up(studio: Studio) -> None:
    await studio.sell()
    await studio.reserve(amount=3)
    await studio.take(2)

    answer = await studio.read("/contacts/ana/credits")

    assert list(answer)[3:] == ["contact_id", "credits", "entitlements"]
    assert answer["credits"] == {
        "available": 5,
        "held": 3,
        "expiring_within_30_days": 0,
        "paused": 0,
        "owed": 0,
    }


async def test_what_expires_is_announced_and_then_gone_without_a_sweep(studio: Studio) -> None:
    """S6.1, S6.5: the instant of expiry is exclusive, and no sweep runs here."""
    await studio.sell("pc_m")
    until = (await entitlement(studio))["expires_at"]

    assert until == "2026-04-02T04:00:00.000Z"  # a month on, local midnight, daylight saving began
    assert (await credits_(studio, as_of="2026-03-03T03:59:59.999Z"))["available"] == 8
    ahead = await credits_(studio, as_of="2026-03-03T04:00:00Z")
    last = await credits_(studio, as_of="2026-04-02T03:59:59.999Z")
    gone = await credits_(studio, as_of="2026-04-02T04:00:00Z")
    await studio.move(days=40)
    now = await entitlement(studio)

    assert ahead["expiring_within_30_days"] == 8
    assert last["available"] == 8
    assert gone["available"] == 0
    # Its next period was not paid: that is past due, whether a worker has noted it or not (S11.1).
    assert (now["status"], now["credits_remaining"], now["expires_at"]) == ("past_due", 0, until)
    assert (await studio.read("/contacts/ana/summary"))["summary"]["credits_available"] == 0


async def test_a_lapsed_hold_counts_as_released_without_a_sweep(studio: Studio) -> None:
    """S2.5."""
    await studio.sell()
    await studio.reserve(amount=4, ttl_seconds=600, external_ref="checkout")
    before = await credits_(studio)
    await studio.move(seconds=600)
    after = await credits_(studio)
    booking = (await studio.read("/contacts/ana/appointments/past"))["appointments"][0]
    in_between = await credits_(studio, as_of=at(START + timedelta(seconds=599)))

    assert (before["available"], before["held"]) == (6, 4)
    assert (after["available"], after["held"]) == (10, 0)
    assert (booking["status"], booking["credits_returned"]) == ("released", 4)
    assert in_between == before
    assert (await entitlement(studio))["credits_held"] == 0


async def test_a_time_that_has_passed_shows_what_was_known_then(studio: Studio) -> None:
    await studio.sell()
    await studio.move(days=1)
    await studio.take(3, external_ref="yoga")
    await studio.move(days=1)
    await studio.give_back("yoga", 3)
    await studio.sell()

    seen = [
        (await studio.read("/contacts/ana/summary", as_of=at(START + timedelta(hours=hours))))[
            "summary"
        ]
        for hours in (-1, 1, 25, 49)
    ]

    assert [s["credits_available"] for s in seen] == [0, 10, 7, 20]
    assert [s["payment_events_count"] for s in seen] == [0, 1, 1, 2]
    assert [len(s["recent_ledger"]) for s in seen] == [0, 1, 2, 4]
    assert [len(s["entitlements"]) for s in seen] == [0, 1, 1, 2]
    assert (await entitlement(studio, as_of=at(START + timedelta(hours=25))))["lots"][0] | {
        "credits_available": 7,
        "credits_consumed": 3,
    } == (await entitlement(studio, as_of=at(START + timedelta(hours=25))))["lots"][0]
    assert await credits_(studio, as_of=at(studio.now)) == await credits_(studio)


async def test_an_expiry_moved_since_is_judged_as_it_was_then(studio: Studio) -> None:
    granted = await studio.sell("pc_m")
    await studio.move(days=32)
    await studio.front.owner.fetch(
        """
        select kotally.change_expiry(
          $1, $2, $3, 'expiry_extended', null, 'staff', 'tests', $4, $5)
        """,
        studio.id,
        granted["lot_id"],
        studio.now + timedelta(days=30),
        new_id(),
        studio.now,
    )

    before = await credits_(studio, as_of=at(studio.now - timedelta(seconds=1)))

    assert before["available"] == 0
    assert (await credits_(studio))["available"] == 8


async def block(studio: Studio, kind: str, *, entitlement_id: str | None = None) -> None:
    """Put a blocker in Ana's way, from now on."""
    await studio.front.owner.execute(
        """
        insert into kotally.blockers (
          location_id, id, contact_id, entitlement_id, kind, starts_at, source, message, created_at)
        select location_id, $2, id, $3, $4, $5, 'tests', 'Blocked.', $5 from kotally.contacts
         where location_id = $1 and external_id = 'ana'
        """,
        studio.id,
        new_id(),
        entitlement_id,
        kind,
        studio.now,
    )


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("freeze", "paused"),
        ("admin", "paused"),
        ("past_due", "past_due"),
        ("workspace_billing", "suspended"),
    ],
)
async def test_a_blocker_pauses_what_it_covers(studio: Studio, kind: str, status: str) -> None:
    granted = await studio.sell()
    await studio.sell()
    await block(studio, kind, entitlement_id=granted["entitlement_id"])

    found = (await studio.read("/contacts/ana/entitlements"))["entitlements"]
    balances = await credits_(studio)
    before = await credits_(studio, as_of=at(START - timedelta(seconds=1)))

    assert [e["status"] for e in found] == ["active", status]
    assert [e["credits_remaining"] for e in found] == [10, 10]
    assert (balances["available"], balances["paused"]) == (10, 10)
    assert (before["available"], before["paused"]) == (0, 0)


async def test_a_package_is_exhausted_when_nothing_is_left(studio: Studio) -> None:
    await studio.sell()
    await studio.take(10, external_ref="all")

    used_up = await entitlement(studio)
    await studio.give_back("all", 10)

    assert (used_up["status"], used_up["credits_remaining"]) == ("exhausted", 0)
    assert used_up["expires_at"] is None
    assert (await entitlement(studio))["status"] == "active"


async def test_what_starts_later_is_pending(studio: Studio) -> None:
    granted = await studio.sell("pc_m")
    await studio.front.owner.execute(
        "update kotally.entitlements set starts_at = $3 where location_id = $1 and id = $2",
        studio.id,
        granted["entitlement_id"],
        studio.now + timedelta(days=1),
    )

    found = await entitlement(studio)

    assert found["status"] == "pending"
    assert found["current_period"] == {
        "number": 1,
        "starts_at": "2026-03-02T05:00:00.000Z",
        "ends_at": "2026-04-02T04:00:00.000Z",
        "renews_at": found["current_period"]["renews_at"],
    }
    assert [lot["period_number"] for lot in found["lots"]] == [1]
    tomorrow = at(studio.now + timedelta(days=1))
    assert (await entitlement(studio, as_of=tomorrow))["status"] == "active"


async def test_what_was_ended_is_cancelled(studio: Studio) -> None:
    granted = await studio.sell("pc_m")
    await studio.front.owner.execute(
        """
        update kotally.entitlements set ends_at = $3, end_reason = 'cancelled'
         where location_id = $1 and id = $2
        """,
        studio.id,
        granted["entitlement_id"],
        studio.now + timedelta(days=1),
    )

    assert (await entitlement(studio))["status"] == "active"
    await studio.move(days=1)
    assert (await entitlement(studio))["status"] == "cancelled"


@pytest.mark.parametrize("as_of", ["yesterday", "2026-03-02T15:00:00", "1969-12-31T00:00:00Z", ""])
@pytest.mark.parametrize("read", ["summary", "credits", "entitlements"])
async def test_a_time_must_be_a_time(studio: Studio, read: str, as_of: str) -> None:
    answer = refused(
        await studio.get(f"/contacts/ana/{read}", as_of=as_of), 400, "VALIDATION_ERROR"
    )

    assert answer["errors"][0]["field"] == "as_of"


async def test_an_old_package_with_credits_is_named_beside_the_newest(studio: Studio) -> None:
    first = await studio.sell()
    for _ in range(22):
        await studio.sell()
    await studio.front.owner.execute(
        """
        select kotally.post($1, kotally.location_now($1), array(
          select row(l.contact_id, kotally.new_id(), 'adjust', 'correction', 'staff', 'tests',
                     l.id::text, 0::smallint, l.id, null, null, null, null, null,
                     array[row(l.id, 'available', 'revoked', l.available)::kotally.new_entry]
                    )::kotally.new_posting
            from kotally.lots l where l.location_id = $1 and l.id <> $2))
        """,
        studio.id,
        first["lot_id"],
    )

    listed = (await studio.read("/contacts/ana/credits"))["entitlements"]

    assert len(listed) == 21
    assert listed[-1]["id"] == first["entitlement_id"]
    assert {e["status"] for e in listed} == {"active", "revoked"}
