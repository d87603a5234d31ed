"""`kotally booking`: from placing to closing a fee, in words and as JSON."""

from __future__ import annotations

from typing import Any

from kotally.db import Database
from tests import make
from tests.cli.conftest import Kotally
from tests.cli.test_commands import made_location, made_product

AT = "2199-06-01T15:00:00Z"


async def booking(kotally: Kotally, *words: str) -> Any:
    """Run a command about bookings, as JSON."""
    ran = await kotally("booking", *words, "--location", "loc_1", "--json")
    assert ran.code == 0, ran
    return ran.json


async def test_bookings_are_placed_moved_and_settled(kotally: Kotally, db: Database) -> None:
    await made_location(kotally)
    await made_product(kotally)
    act = make.grant(10, "ana", product_config_id="pc_1")
    assert (await make.applied(db, "loc_1", [act]))[0].code == "grant_applied"
    who = ("--contact", "ana", "--calendar", "cal_1", "--at", AT)
    placed = await booking(kotally, "place", *who, "--reference", "b1", "--class", "c1")
    assert (placed["code"], placed["balance_after"]) == ("booked", 9)
    moved = ("--booking", placed["booking_id"], "--at", "2199-07-01T15:00:00Z", "--preview")
    assert (await booking(kotally, "move", *moved))["code"] == "rescheduled"
    listed = await kotally("booking", "list", "--location", "loc_1", "--contact", "ana")
    assert "b1" in listed.out
    told = await kotally("booking", "place", *who, "--reference", "b2", "--location", "loc_1")
    assert told.out.startswith("booked\n  booking id: ")
    assert '  funding: [{"entitlement_id":"' in told.out
    assert "None" not in told.out, "what is empty is left out"
    other = told.out.partition("booking id: ")[2].partition("\n")[0]
    await booking(kotally, "cancel", "--booking", other)
    cancelled = await booking(kotally, "cancel-class", "--class", "c1")
    undone = await booking(kotally, "undo-class", "--cancellation", cancelled["cancellation_id"])
    assert [each["status"] for each in undone["bookings"]] == ["booked"]
    attended = await booking(kotally, "attend", "--booking", placed["booking_id"])
    assert attended["credits_captured"] == 1
    corrected = await booking(
        kotally,
        *("correct", "--booking", placed["booking_id"], "--to", "waived", "--note", "A gift."),
    )
    assert corrected["balance_after"] == 10


async def test_refusals_are_sentences(kotally: Kotally) -> None:
    await made_location(kotally)
    unknown = "0199c0de-7a1e-7c3b-9f10-3b5e2d4c6a70"
    refused = await kotally("booking", "cancel", "--location", "loc_1", "--booking", unknown)
    assert refused.code == 1
    assert "BOOKING_NOT_FOUND" in refused.err
    wrong = await kotally(
        *("booking", "place", "--location", "loc_1", "--contact", "ana", "--reference", "b1"),
        *("--at", AT, "--units", "0"),
    )
    assert (wrong.code, "--units" in wrong.err) == (1, True)
