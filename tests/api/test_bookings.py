"""Bookings over HTTP: placed, settled, corrected; each answer as the document says."""

from __future__ import annotations

from typing import Any

import pytest

from kotally.core.ids import new_id
from kotally.products.policies import Attendance, Cap, Penalty
from kotally.products.rules import Rules
from tests import make
from tests.api.front import CALENDAR, Body, Shop

SOON = "2199-06-01T15:00:00Z"
PAST = "2020-06-01T15:00:00Z"


async def book(shop: Shop, at: str = SOON, **body: Any) -> Body:
    """Book a place in the calendar."""
    wanted = {"external_ref": make.name("appt"), "calendar_id": CALENDAR, "appointment_time": at}
    return await shop.do("/bookings", **{**wanted, **body})


async def then(shop: Shop, booking: Body, verb: str, **body: Any) -> Body:
    """Do something to a booking under a new request_id."""
    path = f"/bookings/{booking['booking_id']}/{verb}"
    answer = await shop.post(path, {"request_id": make.name("request"), **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def on(shop: Shop, path: str, **body: Any) -> Body:
    """Do something to a class or a fee."""
    answer = await shop.post(path, {"request_id": make.name("request"), **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_booking_from_its_placing_to_its_end(shop: Shop) -> None:
    await shop.grant()
    seen = await book(shop, preview=True)
    placed = await book(shop, calendar_id="cal_2", class_ref="c1")
    moved = await then(shop, placed, "reschedule", appointment_time="2199-07-01T15:00:00Z")
    attended = await then(shop, moved, "attend")
    corrected = await then(shop, moved, "correct", to="waived", note="It was a gift.")

    assert (seen["reason_code"], seen["balance_after"]) == ("booked", 9)
    assert (placed["balance_after"], placed["credits"]) == (8, 2)
    assert (moved["reason_code"], moved["balance_after"]) == ("rescheduled", 8)
    assert attended["credits_captured"] == 2
    assert (corrected["credits_returned"], corrected["balance_after"]) == (2, 10)
    await shop.assert_books()


async def test_a_request_is_replayed_to_the_letter(shop: Shop) -> None:
    await shop.grant()
    body = {
        "request_id": "r1", "external_contact_id": "ghl_contact_123", "external_ref": "b1",
        "calendar_id": CALENDAR, "appointment_time": SOON,
    }  # fmt: skip
    first = await shop.post("/bookings", body)
    again = await shop.post("/bookings", body)
    other = await shop.post("/bookings", {**body, "amount": 2})
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["errors"][0]["field"]) == (409, "amount")


async def test_lateness_absence_and_what_follows(shop: Shop) -> None:
    rules = Rules(
        attendance=Attendance(
            no_show_fee_cents=1500, penalty=Penalty(threshold=1, action="block", block_days=7)
        )
    )
    await shop.product("pc_strict", rules=rules)
    await shop.grant("pc_strict")
    missed = await then(shop, await book(shop, PAST), "no-show")
    blocked = await book(shop)
    settled = await on(shop, f"/fees/{missed['fee_id']}/settle", status="waived")
    corrected = await then(shop, missed, "correct", to="attended", note="She was there.")
    late = await then(shop, await book(shop, PAST), "cancel")
    assert (missed["reason_code"], missed["penalty"]) == ("no_show", "block")
    assert (blocked["reason_code"], blocked["blocked_until"]) == (
        "BOOKING_BLOCKED", missed["blocked_until"],
    )  # fmt: skip
    assert (settled["status"], settled["amount_cents"]) == ("waived", 1500)
    assert (corrected["strikes_reversed"], len(corrected["penalties_lifted"])) == (1, 1)
    assert (late["reason_code"], late["strike_count"]) == ("late_cancelled", 1)


async def test_refusals_name_the_nearest_allowed_value(shop: Shop) -> None:
    rules = Rules(caps=[Cap(count=1, window="day")], attendance=Attendance(max_open_bookings=1))
    await shop.product("pc_capped", rules=rules)
    await shop.grant("pc_capped")
    placed = await book(shop)
    capped = await book(shop)
    many = await book(shop, "2199-06-03T15:00:00Z")
    early = await then(shop, placed, "no-show")
    assert (capped["reason_code"], capped["cap"]["window"]) == ("CAP_REACHED", "day")
    assert (many["reason_code"], many["max_open_bookings"]) == ("TOO_MANY_OPEN_BOOKINGS", 1)
    assert early["reason_code"] == "CLASS_NOT_STARTED"


async def test_a_class_is_cancelled_undone_and_its_list_moves_up(shop: Shop) -> None:
    await shop.grant()
    await book(shop, class_ref="c 1/2")
    waiting = await book(shop, class_ref="c 1/2", waitlist=True)
    promoted = await on(shop, "/classes/c%201%2F2/promote", places=2)
    cancelled = await on(shop, "/classes/c%201%2F2/cancel")
    undo = f"/class-cancellations/{cancelled['cancellation_id']}/undo"
    restored, again = await on(shop, undo), await on(shop, undo)
    assert promoted["promoted"][0]["booking_id"] == waiting["booking_id"]
    assert (cancelled["credits_returned"], promoted["places_left"]) == (2, 1)
    assert [each["status"] for each in restored["bookings"]] == ["booked", "booked"]
    assert again["reason_code"] == "CANCELLATION_ALREADY_UNDONE"
    await shop.assert_books()


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/bookings/{id}/cancel", {}, "BOOKING_NOT_FOUND"),
        ("/bookings/{id}/attend", {}, "BOOKING_NOT_FOUND"),
        ("/bookings/{id}/no-show", {}, "BOOKING_NOT_FOUND"),
        ("/bookings/{id}/correct", {"to": "attended", "note": "x"}, "BOOKING_NOT_FOUND"),
        ("/bookings/{id}/reschedule", {"appointment_time": SOON}, "BOOKING_NOT_FOUND"),
        ("/classes/none/cancel", {}, "CLASS_NOT_FOUND"),
        ("/classes/none/promote", {}, "WAITLIST_EMPTY"),
        ("/class-cancellations/{id}/undo", {}, "CANCELLATION_NOT_FOUND"),
        ("/fees/{id}/settle", {"status": "paid"}, "FEE_NOT_FOUND"),
    ],
)
async def test_what_is_not_there_is_said_to_be_missing(
    shop: Shop, path: str, body: Body, code: str
) -> None:
    answer = await on(shop, path.replace("{id}", str(new_id())), **body)
    assert (answer["ok"], answer["reason_code"]) == (False, code)


async def test_times_are_held_to_sense(shop: Shop) -> None:
    for wrong in (
        {"appointment_time": "9999-12-31T23:59:59Z"},
        {"appointment_time": SOON, "appointment_ends_at": PAST},
    ):
        body = {
            "request_id": "r1", "external_contact_id": "x", "external_ref": "b1",
            "calendar_id": CALENDAR, **wrong,
        }  # fmt: skip
        assert (await shop.post("/bookings", body)).status_code == 400
