"""Check, deduct, restore as they are documented, over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kotally.api.answers import sentence
from kotally.api.routes import ROUTES
from kotally.products.policies import Validity
from kotally.products.rules import Rules
from kotally.workspaces import clocks
from kotally.workspaces.clocks import Advanced
from tests import make
from tests.api.front import CALENDAR, MEMBER, PACKAGE, Shop

START = ["ok", "reason_code", "correlation_id"]
REFUSED = [*START, "message"]
ENOUGH = 4
FAR = date(2199, 1, 1)
CHECK = next(route for route in ROUTES if route.path == "/entitlements/check-eligibility")


async def now(shop: Shop) -> datetime:
    return await shop.front.db.fetchval("select kotally.location_now($1)", shop.id)


def text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def in_hours(shop: Shop, hours: int) -> str:
    return text(await now(shop) + timedelta(hours=hours))


async def advance(shop: Shop, days: int) -> None:
    assert isinstance(await clocks.advance_days(shop.front.db, shop.id, days), Advanced)


async def test_the_documented_answers_in_the_documented_order(shop: Shop) -> None:
    """A client written from the documentation sees what it promises, word for word."""
    granted = await shop.grant()
    asked = {"product_config_id": PACKAGE, "amount": 1}
    booked = {**asked, "calendar_id": None, "external_ref": "appt_789"}

    checked = await shop.check(calendar_id=None, **asked)
    deducted = await shop.deduct(**booked)
    restored = await shop.restore(**booked)

    assert list(checked)[:4] == [*START, "balance_after"]
    assert (checked["ok"], checked["reason_code"], checked["balance_after"]) == (
        True,
        "eligible",
        9,
    )
    assert list(deducted)[:5] == [*START, "balance_after", "entitlement_id"]
    assert (deducted["reason_code"], deducted["balance_after"]) == ("deducted", 9)
    assert deducted["entitlement_id"] == granted["entitlement_id"]
    assert list(restored)[:5] == [*START, "balance_after", "entitlement_id"]
    assert (restored["reason_code"], restored["balance_after"]) == ("restored", 10)
    assert restored["entitlement_id"] == granted["entitlement_id"]
    await shop.assert_books()


@pytest.mark.parametrize("path", ["check-eligibility", "deduct", "restore"])
async def test_an_unknown_contact_has_no_entitlement(shop: Shop, path: str) -> None:
    named = {} if path == "check-eligibility" else {"request_id": "r"}
    body = {"external_contact_id": "nobody", "calendar_id": CALENDAR, **named}
    response = await shop.post(f"/entitlements/{path}", body)
    answer = response.json()

    assert response.status_code == 200
    assert list(answer)[:4] == REFUSED
    assert (answer["ok"], answer["reason_code"]) == (False, "NO_ENTITLEMENT")
    assert await shop.count("contacts") == 0


async def test_a_refusal_says_how_much_is_missing_and_takes_nothing(shop: Shop) -> None:
    await shop.grant()
    for answer in (await shop.check(amount=11), await shop.deduct(amount=11)):
        assert list(answer)[:4] == REFUSED
        assert (answer["reason_code"], answer["short_by"]) == ("INSUFFICIENT_CREDITS", 1)
    assert await shop.available() == 10


async def test_another_calendar_or_product_is_a_mismatch(shop: Shop) -> None:
    await shop.grant()
    for wanted in (
        {"calendar_id": "cal_9"},
        {"calendar_id": None, "product_config_id": "pc_membership_1"},
        {"calendar_id": "cal_9", "product_config_id": PACKAGE},
    ):
        for answer in (await shop.check(**wanted), await shop.deduct(**wanted)):
            assert answer["reason_code"] == "SERVICE_FAMILY_MISMATCH", wanted
            assert not {"short_by", "detail"} & set(answer), wanted


async def test_an_unknown_product_is_said_to_be_unknown(shop: Shop) -> None:
    """The documented codes stay; `detail` and `explain` say that the location has no such thing."""
    await shop.grant()
    wanted = {"calendar_id": None, "product_config_id": "pc_none"}
    known = {"calendar_id": None, "product_config_id": "pc_membership_1"}

    checked = await shop.check(explain=True, **wanted)
    answers = [checked, await shop.deduct(**wanted), await shop.hold(**wanted)]
    other = await shop.check(explain=True, **known)
    await shop.deduct(amount=10)
    spent = await shop.check(**wanted)

    assert {answer["reason_code"] for answer in answers} == {"SERVICE_FAMILY_MISMATCH"}
    assert spent["reason_code"] == "NO_ENTITLEMENT"
    said = "There is no product config pc_none in this location."
    assert [answer["detail"] for answer in [*answers, spent]] == [said] * 4
    assert [row["verdict"] for row in checked["explain"]] == ["CONFIG_NOT_FOUND"]
    assert [row["verdict"] for row in other["explain"]] == ["OTHER_PRODUCT"]


async def test_what_is_missing_is_counted_only_where_credits_are_missing(shop: Shop) -> None:
    """`short_by` of a contact with nothing, or with nothing that fits, would mean nothing."""
    later = Rules(validity=Validity(starts="fixed", starts_on=FAR))
    await shop.product("pc_soon", rules=later, coverage={"cal_1": 1})
    await shop.grant("pc_soon")
    nothing = [await shop.check(), await shop.deduct(), await shop.hold()]
    await shop.grant()
    elsewhere = {"calendar_id": "cal_9"}
    other = [await shop.deduct(**elsewhere), await shop.hold(**elsewhere)]
    short = [await shop.check(amount=11), await shop.deduct(amount=11), await shop.hold(amount=11)]

    assert {answer["reason_code"] for answer in nothing} == {"NO_ENTITLEMENT"}
    assert {answer["reason_code"] for answer in other} == {"SERVICE_FAMILY_MISMATCH"}
    assert not any("short_by" in answer for answer in nothing + other)
    assert [answer["short_by"] for answer in short] == [1, 1, 1]


async def test_a_check_speaks_of_no_request_id(shop: Shop) -> None:
    """A check has none, alone or in a batch; a deduction that was refused needs a new one."""
    await shop.grant()
    for wanted in ({"external_contact_id": "nobody"}, {"amount": 11}, {"calendar_id": "cal_9"}):
        checked = await shop.check(**wanted)
        operation = {"external_contact_id": MEMBER, "calendar_id": CALENDAR, **wanted}
        batch = await shop.post("/batch", {"operations": [{"operation": "check", **operation}]})
        assert "request_id" not in checked["message"], checked
        assert batch.json()["results"][0]["message"] == checked["message"]
    assert all("request_id" not in sentence(code, "check") for code in CHECK.codes)
    assert "new request_id" in (await shop.deduct(amount=11))["message"]


async def test_a_restore_for_nobody_asks_for_no_purchase(shop: Shop) -> None:
    refused = await shop.restore(external_contact_id="nobody")
    operation = {"operation": "restore", "request_id": "r", "external_contact_id": "nobody"}
    batch = await shop.post("/batch", {"operations": [{**operation, "calendar_id": CALENDAR}]})

    assert refused["reason_code"] == "NO_ENTITLEMENT"
    assert refused["message"].startswith("No contact of this location has that id")
    assert "Grant" not in refused["message"]
    assert batch.json()["results"][0]["message"] == refused["message"]


async def test_a_calendar_costs_its_weight(shop: Shop) -> None:
    await shop.grant()

    assert (await shop.check(calendar_id="cal_2", amount=2))["balance_after"] == 6
    assert (await shop.deduct(calendar_id="cal_2", amount=2))["balance_after"] == 6
    assert (await shop.restore(calendar_id="cal_2", amount=2))["balance_after"] == 10


@pytest.mark.parametrize("amount", [1, 3, 10, 11])
@pytest.mark.parametrize("calendar", ["cal_1", "cal_2", "cal_9"])
async def test_a_check_tells_what_the_deduction_does(
    shop: Shop, amount: int, calendar: str
) -> None:
    """S1.7: check and commit are one decision; the check leaves no trace."""
    for _ in range(2):
        await shop.grant()
    async with shop.front.untouched():
        checked = await shop.check(calendar_id=calendar, amount=amount)
    deducted = await shop.deduct(calendar_id=calendar, amount=amount)

    assert checked["ok"] == deducted["ok"]
    assert checked.get("balance_after") == deducted.get("balance_after")
    assert checked.get("funding") == deducted.get("slices")
    if not checked["ok"]:
        assert checked["reason_code"] == deducted["reason_code"]


async def test_explain_names_every_lot_and_what_would_help(shop: Shop) -> None:
    await shop.grant()
    await shop.grant("pc_membership_1")
    answer = await shop.check(calendar_id="cal_9", product_config_id=PACKAGE, explain=True)

    verdicts = {row["product_config_id"]: row["verdict"] for row in answer["explain"]}
    assert verdicts == {
        PACKAGE: "SERVICE_FAMILY_MISMATCH",
        "pc_membership_1": "OTHER_PRODUCT",
    }


async def test_a_booking_is_taken_once_and_given_back_once(shop: Shop) -> None:
    await shop.grant()
    first = await shop.deduct(external_ref="appt_1")
    again = await shop.deduct(external_ref="appt_1")
    back = await shop.restore(external_ref="appt_1")
    twice = await shop.restore(external_ref="appt_1")
    anew = await shop.deduct(external_ref="appt_1")

    assert (first["reason_code"], back["reason_code"], anew["reason_code"]) == (
        "deducted",
        "restored",
        "deducted",
    )
    assert (again["reason_code"], again["entitlement_id"]) == (
        "DUPLICATE_EVENT",
        first["entitlement_id"],
    )
    assert (twice["ok"], twice["reason_code"]) == (False, "ALREADY_RESTORED")
    assert await shop.available() == 9
    await shop.assert_books()


async def test_nothing_taken_is_nothing_to_restore(shop: Shop) -> None:
    await shop.grant()
    for wanted in ({}, {"external_ref": "appt_none"}, {"calendar_id": "cal_2"}):
        assert (await shop.restore(**wanted))["reason_code"] == "NOTHING_TO_RESTORE"


async def test_a_restore_gives_back_no_more_than_was_taken(shop: Shop) -> None:
    await shop.grant()
    await shop.deduct(amount=2, external_ref="appt_1")

    assert (await shop.restore(amount=10**9, external_ref="appt_1"))["balance_after"] == 10
    await shop.assert_books()


async def test_without_a_reference_the_newest_deduction_that_is_large_enough(shop: Shop) -> None:
    await shop.grant()
    await shop.deduct(amount=3, external_ref="large")
    await shop.deduct(amount=1, external_ref="small")

    assert (await shop.restore(amount=2))["balance_after"] == 8
    assert (await shop.restore(amount=2))["reason_code"] == "NOTHING_TO_RESTORE"
    assert (await shop.restore(amount=1))["balance_after"] == 9


async def test_cancelling_is_free_until_the_window_opens(shop: Shop) -> None:
    """S4.1: equality is free; the time of the request wins over the deduction's own."""
    await shop.grant()
    far, near = await in_hours(shop, 24 * 30), await in_hours(shop, 1)
    for reference, booked, said in (
        ("a", far, None), ("b", near, None), ("c", near, far), ("d", far, near), ("e", None, None),
        ("f", None, near),
    ):  # fmt: skip
        await shop.deduct(external_ref=reference, appointment_time=booked)
        answer = await shop.restore(external_ref=reference, appointment_time=said)
        wanted = near not in (said, None if said else booked)
        assert answer["ok"] is wanted, reference
        if not wanted:
            assert answer["reason_code"] == "CANCELLATION_WINDOW_EXPIRED"
            assert list(answer)[:4] == REFUSED
    await shop.assert_books()


async def test_the_edge_of_the_window_to_the_second(shop: Shop) -> None:
    await shop.product("pc_window", rules=Rules(cancel_window_minutes=60))
    await shop.grant("pc_window")
    moment = await now(shop)
    for seconds, code in ((3_600, "restored"), (3_599, "CANCELLATION_WINDOW_EXPIRED")):
        at = text(moment + timedelta(seconds=seconds))
        reference = make.name("appt")
        await shop.deduct(external_ref=reference, appointment_time=at)
        assert (await shop.restore(external_ref=reference))["reason_code"] == code


async def test_when_the_sandbox_clock_moves_everything_moves(shop: Shop) -> None:
    """Credits expire by the clock of the location at once, with or without a sweep."""
    await shop.product("pc_short", credits_=5, expiry_days=30)
    granted = await shop.grant("pc_short")
    ahead = await in_hours(shop, 24 * 40)

    assert (await shop.check())["reason_code"] == "eligible"
    assert (await shop.check(appointment_time=ahead))["reason_code"] != "eligible"
    await advance(shop, 30)
    assert (await shop.deduct())["reason_code"] == "deducted"
    await advance(shop, 1)
    assert text(await now(shop)) >= granted["expires_at"]
    assert await shop.available() == 0
    assert not (await shop.check())["ok"]
    assert not (await shop.deduct())["ok"]
    await shop.assert_books()


async def test_what_comes_back_expired_lives_for_its_grace(shop: Shop) -> None:
    """S4.4: the credits of an expired lot come back as a lot of their own."""
    await shop.product("pc_short", credits_=5, expiry_days=30)
    await shop.grant("pc_short")
    await advance(shop, 29)
    await shop.deduct(amount=2, appointment_time=await in_hours(shop, 20))
    await advance(shop, 5)
    late = await in_hours(shop, 24 * 9)

    assert (await shop.restore(amount=2, appointment_time=late))["balance_after"] == 2
    assert (await shop.deduct())["reason_code"] == "deducted"
    await advance(shop, 8)
    assert await shop.available() == 0
    await shop.assert_books()


@pytest.mark.parametrize(
    "written",
    ["2026-12-01T10:00:00Z", "2026-12-01T10:00:00.123456Z", "2026-12-01T11:00:00+01:00",
     "2026-12-01T04:30:00-05:30", "2026-12-01 10:00:00Z", "2026-12-01T10:00Z"],
)  # fmt: skip
async def test_times_are_read_as_iso_8601(shop: Shop, written: str) -> None:
    await shop.grant()
    response = await shop.post(
        "/entitlements/check-eligibility",
        {"external_contact_id": MEMBER, "calendar_id": CALENDAR, "appointment_time": written},
    )

    assert response.status_code == (400 if written.endswith("10:00Z") else 200), response.text


async def test_the_last_credit_wanted_by_fifty_goes_to_one(shop: Shop) -> None:
    await shop.product("pc_one", credits_=1)
    await shop.grant("pc_one")

    answers = await asyncio.gather(*(shop.deduct() for _ in range(50)))

    codes = sorted(answer["reason_code"] for answer in answers)
    assert codes == ["INSUFFICIENT_CREDITS"] * 49 + ["deducted"]
    assert await shop.available() == 0
    await shop.assert_books()


async def test_fifty_of_everything_at_once_loses_nothing(shop: Shop) -> None:
    """Grants, deductions, holds and restores of one member race; the books say where all is."""
    await shop.grant()

    async def one(number: int) -> Any:
        match number % ENOUGH:
            case 0:
                return await shop.grant()
            case 1:
                return await shop.deduct(amount=2)
            case 2:
                return await shop.hold(amount=1)
            case _:
                return await shop.restore()

    answers = await asyncio.gather(*(one(number) for number in range(48)))

    done = [answer["reason_code"] for answer in answers if answer["ok"]]
    restored = sum(a.get("credits_restored", 0) for a in answers)
    expected = (
        10 + 10 * done.count("grant_applied")
        - 2 * done.count("deducted") - done.count("held") + restored
    )  # fmt: skip
    assert await shop.available() == expected
    await shop.assert_books()
