"""`kotally payment` and `kotally credits`, as a person runs them."""

from __future__ import annotations

from typing import Any

from kotally.db import Database
from tests import make
from tests.cli.conftest import Kotally
from tests.cli.test_commands import made_location


async def run(kotally: Kotally, *words: str) -> Any:
    """Run a command, as JSON."""
    ran = await kotally(*words, "--location", "loc_1", "--json")
    assert ran.code == 0, ran
    return ran.json


async def bought(kotally: Kotally, db: Database) -> str:
    """Let ana buy ten credits; returns the payment."""
    await made_location(kotally)
    await make.product(db, "loc_1")
    act = make.grant(10, "ana", lot={"cost_minor": 9900})
    done = (await make.applied(db, "loc_1", [act]))[0]
    return done.answer["payment_id"]


async def test_a_payment_is_quoted_disputed_and_refunded(kotally: Kotally, db: Database) -> None:
    who = ("--payment", await bought(kotally, db))
    quoted = await run(kotally, "payment", "quote", *who, "--drop-in-cents", "1500")
    assert [each["method"] for each in quoted["quotes"]] == ["pro_rata", "drop_in"]
    opened = await run(kotally, "payment", "dispute", *who, "--event", "opened")
    assert (opened["code"], opened["balance_after"]) == ("dispute_opened", 0)
    assert (await run(kotally, "payment", "dispute", *who, "--event", "won"))["balance_after"] == 10
    shown = await run(kotally, "payment", "refund", *who, "--preview")
    made = await run(kotally, "payment", "refund", *who)
    assert (shown["balance_after"], made["balance_after"], made["code"]) == (0, 0, "refunded")


async def test_a_block_is_lifted(kotally: Kotally, db: Database) -> None:
    who = ("--payment", await bought(kotally, db))
    await make.applied(db, "loc_1", [make.deduct(1)])
    await run(kotally, "payment", "refund", *who, "--shortfall", "block")
    lifted = await run(kotally, "payment", "unblock", *who, "--note", "Paid at the desk.")
    assert lifted["code"] == "block_lifted"
    again = await kotally("payment", "unblock", *who, "--note", "x", "--location", "loc_1")
    assert (again.code, "NOT_BLOCKED" in again.err) == (1, True)


async def test_credits_are_corrected_approved_and_given_away(
    kotally: Kotally, db: Database
) -> None:
    await bought(kotally, db)
    await make.applied(db, "loc_1", [make.grant(1, "bob")])
    words = ("credits", "adjust", "--contact", "ana", "--reason", "goodwill", "--note", "Sorry.")
    by = ("--by", "ann")
    asked = await run(kotally, *words, "--role", "admin", "--amount", "60", *by)
    assert (asked["code"], asked["allowed"]) == ("approval_requested", 50)
    decide = ("credits", "approve", "--approval", asked["approval_id"])
    alone = await kotally(*decide, *by, "--location", "loc_1")
    assert (alone.code, "APPROVAL_NEEDS_ANOTHER_PERSON" in alone.err) == (1, True)
    assert (await run(kotally, *decide, "--by", "bea"))["balance_after"] == 70
    gift = ("--from", "ana", "--to", "bob", "--amount", "4", "--note", "A gift.")
    given = await run(kotally, "credits", "transfer", *gift, *by)
    back = await run(kotally, "credits", "undo-transfer", "--transfer", given["transfer_id"], *by)
    assert (given["to_balance_after"], back["to_balance_after"]) == (5, 1)
