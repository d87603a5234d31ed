"""POST /grants as it is documented: credits for a payment, once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from kotally.core.calendar import iso, local_date, local_midnight
from kotally.payments.grants import PAID_AHEAD_MAX
from kotally.products import products
from kotally.workspaces import clocks, workspaces
from kotally.workspaces.clocks import Advanced
from tests import make
from tests.api.conftest import refused
from tests.api.front import CALENDAR, MEMBER, MEMBERSHIP, PACKAGE, Front, Shop

DOCUMENTED = [
    "ok", "reason_code", "correlation_id", "location_id", "contact_id", "entitlement_id",
    "credits_granted", "balance_after",
]  # fmt: skip
NEW_YORK = ZoneInfo("America/New_York")
PAID: dict[str, Any] = {
    "request_id": "req_1001",
    "external_payment_id": "pay_456",
    "external_contact_id": MEMBER,
    "product_config_id": PACKAGE,
    "provider": "automation",
    "event_type": "payment_confirmed",
    "amount_cents": 9900,
    "currency": "USD",
    "paid_at": "2026-04-16T00:00:00.000Z",
    "email": "member@example.com",
    "name": "Member Example",
    "external_ref": "order_7",
    "metadata": {"source": "crm", "nested": {"list": [1, "é", None, True]}},
}


async def test_the_documented_request_gets_the_documented_answer(shop: Shop) -> None:
    answer = (await shop.post("/grants", PAID)).json()

    assert list(answer)[: len(DOCUMENTED)] == DOCUMENTED
    assert answer["ok"] is True
    assert answer["reason_code"] == "grant_applied"
    assert answer["location_id"] == shop.id
    assert (answer["credits_granted"], answer["balance_after"]) == (10, 10)
    await shop.assert_books()


async def test_what_was_said_of_the_payment_and_the_member_is_read_back(shop: Shop) -> None:
    await shop.post("/grants", PAID)

    read = (await shop.get(f"/contacts/{MEMBER}/payments")).json()["payments"][0]
    contact = (await shop.get(f"/contacts/{MEMBER}")).json()["contact"]

    assert read["amount_cents"] == 9900
    assert read["currency"] == "USD"
    assert read["paid_at"] == PAID["paid_at"]
    assert read["metadata"] == PAID["metadata"]
    assert (contact["email"], contact["name"]) == ("member@example.com", "Member Example")


async def test_hints_fill_what_is_missing_and_change_nothing(shop: Shop) -> None:
    await shop.grant(name="First")
    await shop.grant(name="Second", email="a@example.com")

    contact = (await shop.get(f"/contacts/{MEMBER}")).json()["contact"]
    assert (contact["email"], contact["name"]) == ("a@example.com", "First")


async def test_both_names_of_a_contact_are_one_and_the_first_wins(shop: Shop) -> None:
    first = await shop.grant(external_contact_id="a")
    second = await shop.grant(external_contact_id=None, ghl_contact_id="a")
    both = await shop.grant(external_contact_id="a", ghl_contact_id="b")

    assert first["contact_id"] == second["contact_id"] == both["contact_id"]
    assert both["balance_after"] == 30
    refused(await shop.get("/contacts/b"), 404, "NOT_FOUND")


async def test_a_payment_is_made_by_now(front: Front) -> None:
    """A little ahead is a clock that differs and starts now; further ahead is refused."""
    shop = await front.shop(sandbox=False)
    now = datetime.now(UTC)
    ahead = {"paid_at": (now + PAID_AHEAD_MAX - timedelta(minutes=1)).isoformat()}
    too_far = {**PAID, "paid_at": (now + PAID_AHEAD_MAX + timedelta(minutes=1)).isoformat()}

    granted = await shop.grant(**ahead)
    async with front.untouched():
        wrong = refused(await shop.post("/grants", too_far), 400, "VALIDATION_ERROR")
        batch = {"operations": [{"operation": "grant", **too_far}]}
        many = refused(await shop.post("/batch", batch), 400, "VALIDATION_ERROR")

    assert (await shop.deduct())["entitlement_id"] == granted["entitlement_id"]
    assert wrong["errors"][0]["field"] == "paid_at"
    assert wrong["errors"][0]["message"].startswith("must be at most 5 minutes after now")
    assert many["errors"][0]["field"] == "operations[0].paid_at"


async def test_a_sandbox_takes_payments_of_its_own_time_and_of_ours(shop: Shop) -> None:
    """Its clock may be ahead of its callers, or behind them."""
    now = datetime.now(UTC)
    assert (await shop.grant(paid_at=now.isoformat()))["reason_code"] == "grant_applied"
    assert isinstance(await clocks.advance_days(shop.front.db, shop.id, 40), Advanced)

    later = (now + timedelta(days=40)).isoformat()
    assert (await shop.grant(paid_at=later))["reason_code"] == "grant_applied"
    beyond = {**PAID, "paid_at": (now + timedelta(days=41)).isoformat()}
    refused(await shop.post("/grants", beyond), 400, "VALIDATION_ERROR")


async def test_a_package_counts_from_when_it_was_paid(shop: Shop) -> None:
    """S6.2: the day it was paid is day 0, in the location's zone."""
    await shop.product("pc_month", expiry_days=30)
    paid = datetime.now(UTC).replace(hour=15, minute=0) - timedelta(days=10)

    granted = await shop.grant("pc_month", paid_at=paid.isoformat())

    assert granted["expires_at"] == iso(
        local_midnight(local_date(paid, NEW_YORK) + timedelta(days=31), NEW_YORK)
    )


async def test_a_payment_grants_once_whatever_the_request(shop: Shop) -> None:
    first = await shop.grant(external_payment_id="pay_1")
    again = await shop.grant(external_payment_id="pay_1")
    elsewhere = await shop.grant(external_payment_id="pay_1", external_contact_id="other")

    for answer in (again, elsewhere):
        assert (answer["ok"], answer["reason_code"]) == (False, "DUPLICATE_EVENT")
        for key in ("contact_id", "entitlement_id"):
            assert answer[key] == first[key]
    assert await shop.available() == 10
    refused(await shop.get("/contacts/other"), 404, "NOT_FOUND")


async def test_a_payment_is_one_of_its_provider_and_location(front: Front, shop: Shop) -> None:
    other = await front.shop()
    for given in (
        await shop.grant(external_payment_id="pay_1"),
        await shop.grant(external_payment_id="pay_1", provider="stripe"),
        await other.grant(external_payment_id="pay_1"),
    ):
        assert given["reason_code"] == "grant_applied"


async def test_an_unknown_or_archived_product_grants_nothing(shop: Shop) -> None:
    await products.archive(shop.front.db, shop.id, MEMBERSHIP)
    for product in ("pc_none", MEMBERSHIP, "PC_PACKAGE_1"):
        answer = await shop.grant(product)
        assert (answer["ok"], answer["reason_code"]) == (False, "CONFIG_NOT_FOUND")
    refused(await shop.get(f"/contacts/{MEMBER}"), 404, "NOT_FOUND")
    assert await shop.count("payments") == 0


async def test_a_refusal_does_not_burn_the_payment(shop: Shop) -> None:
    """The same request stays refused; a new one for the same payment succeeds later."""
    refused_ = await shop.grant("pc_later", external_payment_id="pay_1", request_id="r1")
    await shop.product("pc_later")

    same = await shop.grant("pc_later", external_payment_id="pay_1", request_id="r1")
    new = await shop.grant("pc_later", external_payment_id="pay_1", request_id="r2")

    assert same == refused_
    assert new["reason_code"] == "grant_applied"


async def test_a_membership_starts_and_then_its_next_period_is_paid(shop: Shop) -> None:
    first = await shop.grant(MEMBERSHIP)
    second = await shop.grant(MEMBERSHIP)

    assert [answer["credits_granted"] for answer in (first, second)] == [8, 8]
    assert first["entitlement_id"] == second["entitlement_id"]
    assert (await shop.check(amount=8))["reason_code"] == "eligible"
    beyond = await shop.check(amount=9)  # the second period has not begun
    assert (beyond["reason_code"], beyond["short_by"]) == ("INSUFFICIENT_CREDITS", 1)
    await shop.assert_books()


async def test_a_suspended_workspace_sells_nothing_but_gives_back(front: Front) -> None:
    """BILLING_SUSPENDED stops grants, deductions and holds; reads, checks and restores work."""
    shop = await front.shop()
    await shop.grant()
    await shop.deduct()
    workspace = front.workspace
    assert workspace is not None
    try:
        await workspaces.set_billing(front.db, workspace, "suspended")
        for answer in (await shop.grant(), await shop.deduct(), await shop.hold()):
            assert (answer["ok"], answer["reason_code"]) == (False, "BILLING_SUSPENDED")
        stranger = await shop.grant(external_contact_id="new")
        assert stranger["reason_code"] == "BILLING_SUSPENDED"
        refused(await shop.get("/contacts/new"), 404, "NOT_FOUND")
        assert (await shop.restore())["reason_code"] == "restored"
        assert await shop.available() == 10
    finally:
        await workspaces.set_billing(front.db, workspace, "active")
    assert (await shop.deduct(calendar_id=CALENDAR))["reason_code"] == "deducted"


async def test_a_sum_of_nothing_and_the_largest_sum_are_kept_exactly(shop: Shop) -> None:
    await shop.grant(amount_cents=0, currency="usd")
    await shop.grant(amount_cents=10**12, currency="JPY")

    summary = (await shop.get(f"/contacts/{MEMBER}/summary")).json()["summary"]
    assert summary["lifetime_value_cents"] == 10**12
    assert summary["payment_events_count"] == 2


@pytest.mark.parametrize("currency", ["US", "USDX", "U$D", "", "ÜSD", "12", " USD"])
async def test_a_currency_is_three_letters(shop: Shop, currency: str) -> None:
    body = {**PAID, "currency": currency}

    refused(await shop.post("/grants", body), 400, "VALIDATION_ERROR")


async def test_metadata_comes_back_as_it_was_sent(shop: Shop) -> None:
    """Large and small numbers, empty names, their order and every script survive, to the letter."""
    sent = {"": "", "n": 2**63 - 1, "f": 0.1, "e": 1e300, "é": "\u2028", "a": [[], {}], "z": None}
    await shop.grant(metadata=sent)

    answer = await shop.get(f"/contacts/{MEMBER}/payments")
    assert msgspec.json.encode(sent) in answer.content


async def test_fifty_payments_at_once_open_one_contact(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.grant(request_id=make.name("g")) for _ in range(50)))

    assert len({answer["contact_id"] for answer in answers}) == 1
    assert sorted(answer["balance_after"] for answer in answers) == [*range(10, 510, 10)]
    await shop.assert_books()


async def test_fifty_reports_of_one_payment_grant_once(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.grant(external_payment_id="pay_1") for _ in range(50)))

    codes = sorted(answer["reason_code"] for answer in answers)
    assert codes == ["DUPLICATE_EVENT"] * 49 + ["grant_applied"]
    assert await shop.available() == 10


async def test_many_payments_of_one_membership_pay_a_period_each(shop: Shop) -> None:
    """Each is planned for the period after the last one paid; who is overtaken plans again."""
    await shop.grant(MEMBERSHIP)
    sent = [{"external_payment_id": f"p{n}", "request_id": f"r{n}"} for n in range(8)]

    async def report(names: dict[str, str]) -> str:
        """Send until it is not in progress any more, as a client does."""
        body = {**names, "external_contact_id": MEMBER, "product_config_id": MEMBERSHIP}
        while (answer := await shop.post("/grants", body)).status_code == 409:
            assert answer.headers["retry-after"] == "1"
        return answer.json()["reason_code"]

    assert await asyncio.gather(*map(report, sent)) == ["grant_applied"] * 8
    assert await shop.count("periods") == 9
    await shop.assert_books()
