"""The lists of a contact: their pages, their cursors, and what is in them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests import make
from tests.api.conftest import refused
from tests.api.studio import START, Studio, at
from tests.api.test_contacts import LISTS


async def fill(studio: Studio, rounds: int = 4) -> None:
    """Give Ana something on every list, more than a page of three."""
    for number in range(rounds):
        await studio.sell()
        ahead = at(studio.now + timedelta(days=20 + number))
        await studio.take(external_ref=f"later-{number}", appointment_time=ahead)
        before = at(studio.now - timedelta(days=1 + number))
        await studio.take(external_ref=f"earlier-{number}", appointment_time=before)
        await studio.move(minutes=1)


async def pages(studio: Studio, path: str, limit: int) -> list[list[Any]]:
    """Read all pages of a list, and write something new after each."""
    found, cursor = list[list[Any]](), None
    while True:
        query = {"cursor": cursor} if cursor else {}
        answer = await studio.read(path, limit=limit, **query)
        found.append(answer[LISTS[path]])
        cursor = answer["next_cursor"]
        if cursor is None:
            return found
        await studio.sell()
        await studio.take(external_ref=f"new-{cursor}", appointment_time=at(studio.now))


def names(item: Any) -> Any:
    """Take what tells one item from all others."""
    return item.get("id", item)


@pytest.mark.parametrize("path", LISTS)
async def test_pages_show_everything_once_and_nothing_new(studio: Studio, path: str) -> None:
    await fill(studio)
    at_once = (await studio.read(path, limit=100))[LISTS[path]]

    found = await pages(studio, path, 3)

    # What is bought meanwhile is not listed; what is used meanwhile shows in a lot.
    assert [names(item) for page in found for item in page] == [names(item) for item in at_once]
    assert all(len(page) == 3 for page in found[:-1])
    assert len(found) > 1


@pytest.mark.parametrize("path", LISTS)
async def test_a_full_last_page_has_no_next_one(studio: Studio, path: str) -> None:
    await fill(studio, 2)
    at_once = (await studio.read(path, limit=100))[LISTS[path]]

    answer = await studio.read(path, limit=len(at_once))

    assert answer["next_cursor"] is None


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_that_was_tampered_with_is_refused(studio: Studio, path: str) -> None:
    await fill(studio, 2)
    cursor = (await studio.read(path, limit=1))["next_cursor"]
    flipped = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]

    for wrong in [flipped, cursor[1:], cursor + "AAAA", "AAAA", "%%%", "é", "A" * 500, "=" * 9]:
        answer = refused(await studio.get(path, cursor=wrong), 400, "VALIDATION_ERROR")
        assert answer["errors"][0]["field"] == "cursor"
    for wrong in ["", "A" * 501]:
        refused(await studio.get(path, cursor=wrong), 400, "VALIDATION_ERROR")


async def test_a_cursor_is_good_for_its_own_list_only(studio: Studio) -> None:
    await fill(studio, 2)
    await studio.sell(external_contact_id="ben")
    cursor = (await studio.read("/contacts/ana/ledger", limit=1))["next_cursor"]

    for path in ["/contacts/ben/ledger", "/contacts/ana/payments"]:
        refused(await studio.get(path, cursor=cursor), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1.5", ""])
async def test_a_limit_out_of_bounds_is_refused(studio: Studio, path: str, limit: str) -> None:
    answer = refused(await studio.get(path, limit=limit), 400, "VALIDATION_ERROR")

    assert answer["errors"][0]["field"] == "limit"


async def test_a_ledger_entry_has_the_documented_keys_in_their_order(studio: Studio) -> None:
    granted = await studio.sell(metadata={"source": "crm"})
    taken = await studio.take(2, external_ref="yoga", request_id="r-1")
    await studio.give_back("yoga", 2)

    entries = (await studio.read("/contacts/ana/ledger"))["entries"]

    assert list(entries[0]) == [
        "id", "type", "amount", "balance_after", "reason_code", "source", "actor",
        "entitlement_id", "product_config_id", "lot_id", "external_ref", "request_id",
        "correlation_id", "reverses", "effective_at", "recorded_at", "metadata", "slices",
    ]  # fmt: skip
    assert [(e["type"], e["amount"], e["balance_after"]) for e in entries] == [
        ("restore", 2, 10),
        ("deduct", -2, 8),
        ("grant", 10, 10),
    ]
    restore, deduct, grant = entries
    assert restore["reverses"] == deduct["id"]
    assert deduct["correlation_id"] == taken["correlation_id"]
    assert (deduct["request_id"], deduct["external_ref"]) == ("r-1", "yoga")
    assert deduct["entitlement_id"] == granted["entitlement_id"]
    assert deduct["product_config_id"] == "pc_1"
    assert deduct["lot_id"] == granted["lot_id"]
    assert deduct["recorded_at"] == at(START)
    assert grant["metadata"] == {"source": "crm"}
    assert [(s["from"], s["to"], s["amount"]) for s in deduct["slices"]] == [
        ("available", "consumed", 2)
    ]


async def test_appointments_are_to_come_until_their_time(studio: Studio) -> None:
    await studio.sell()
    for days in (5, 2, 9):
        soon = at(studio.now + timedelta(days=days))
        await studio.take(external_ref=f"in {days}", appointment_time=soon)
    await studio.take(external_ref="no time")
    await studio.take()
    await studio.move(days=3)

    upcoming = (await studio.read("/contacts/ana/appointments/upcoming"))["appointments"]
    past = (await studio.read("/contacts/ana/appointments/past"))["appointments"]

    assert [a["external_ref"] for a in upcoming] == ["in 5", "in 9"]
    assert [a["external_ref"] for a in past] == ["in 2", "no time"]
    assert past[0] | {"appointment_time": at(START + timedelta(days=2))} == past[0]
    assert past[0]["cancel_free_until"] == at(START + timedelta(days=2, hours=-12))
    assert past[1]["appointment_time"] is None


async def test_a_cancelled_appointment_is_no_longer_to_come(studio: Studio) -> None:
    """It is in the other list from then on, whether its time has come or not."""
    await studio.sell()
    soon = at(studio.now + timedelta(days=2))
    await studio.take(2, external_ref="yoga", appointment_time=soon)
    await studio.give_back("yoga", 2)

    for days in (0, 3):
        await studio.move(days=days)
        upcoming = (await studio.read("/contacts/ana/appointments/upcoming"))["appointments"]
        past = (await studio.read("/contacts/ana/appointments/past"))["appointments"]

        assert upcoming == []
        assert [(a["status"], a["credits"], a["credits_returned"]) for a in past] == [
            ("restored", 2, 2)
        ]


async def test_what_was_used_beyond_the_hold_is_in_the_slices(studio: Studio) -> None:
    await studio.sell()
    hold = await studio.reserve(external_ref="yoga", amount=1)
    await studio.move(hours=1)
    await studio.capture(hold, 3)

    found = (await studio.read("/contacts/ana/appointments/past"))["appointments"]

    assert [(a["status"], a["credits"]) for a in found] == [("captured", 3)]
    assert [part["amount"] for part in found[0]["slices"]] == [1, 2]


async def test_a_payment_says_what_it_granted(studio: Studio) -> None:
    granted = await studio.sell(
        external_payment_id="pay_1", amount_cents=9900, currency="usd", provider="stripe"
    )

    payments = (await studio.read("/contacts/ana/payments"))["payments"]

    assert payments == [
        {
            "id": granted["payment_id"],
            "provider": "stripe",
            "external_payment_id": "pay_1",
            "event_type": "payment_confirmed",
            "product_config_id": "pc_1",
            "entitlement_id": granted["entitlement_id"],
            "amount_cents": 9900,
            "currency": "USD",
            "refunded_cents": 0,
            "credits_granted": 10,
            "credits_revoked": 0,
            "paid_at": at(START),
            "recorded_at": at(START),
            "external_ref": None,
            "metadata": None,
            "also_reported": [],
        }
    ]


async def test_the_timeline_tells_all_in_the_order_in_which_it_happened(studio: Studio) -> None:
    await studio.sell("pc_m")
    await studio.move(days=1)
    await studio.take(product_config_id="pc_m", external_ref="yoga")
    await studio.move(days=1)
    await studio.give_back("yoga", product_config_id="pc_m")

    items = (await studio.read("/contacts/ana/timeline"))["items"]

    assert [item["type"] for item in items] == [
        "ledger", "booking", "ledger", "membership_period", "payment",
    ]  # fmt: skip
    assert [item["at"] for item in items][:3] == [
        at(START + timedelta(days=days)) for days in (2, 1, 0)
    ]
    assert items[0]["entry"]["type"] == "restore"
    assert items[1]["appointment"]["external_ref"] == "yoga"
    assert items[3]["period"]["number"] == 1
    assert items[4]["payment"]["product_config_id"] == "pc_m"


async def test_a_booking_that_was_settled_anew_is_read_like_any_other(studio: Studio) -> None:
    """S5.7: used up twice, with what it had given back in between."""
    await studio.sell()
    booking = await studio.act(
        "/bookings", external_ref="yoga", calendar_id="cal_1", appointment_time=at(studio.now)
    )
    path = f"/bookings/{booking['booking_id']}"
    await studio.move(days=1)
    await studio.post(f"{path}/attend", {"request_id": "came"})
    for to in ("waived", "attended", "no_show", "attended"):
        body = {"request_id": make.name("request"), "to": to, "note": "Seen."}
        assert (await studio.post(f"{path}/correct", body)).status_code == 200

    items = (await studio.read("/contacts/ana/timeline"))["items"]

    seen = next(item["appointment"] for item in items if item["type"] == "booking")
    assert (seen["status"], seen["credits"] - seen["credits_returned"]) == ("attended", 1)
    assert sum(each["amount"] for each in seen["slices"]) == seen["credits"]
