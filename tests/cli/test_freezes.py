"""`kotally membership freeze` and its like, and `kotally closure`, as a person runs them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kotally.core.clock import now
from kotally.db import Database
from tests import make
from tests.cli.conftest import Kotally
from tests.cli.test_commands import made_location


async def run(kotally: Kotally, *words: str) -> Any:
    """Run a command, as JSON."""
    ran = await kotally(*words, "--location", "loc_1", "--json")
    assert ran.code == 0, ran
    return ran.json


async def member(kotally: Kotally, db: Database) -> str:
    """Make a member, whose first period is this month."""
    await made_location(kotally)
    await make.product(db, "loc_1", "gold", kind="membership", credits_=8)
    today = now().replace(hour=12, minute=0)
    plan = {
        "anchor_on": today.date(),
        "number": 1,
        "starts_at": today,
        "ends_at": today + timedelta(days=30),
    }
    lot = {"expires_at": today + timedelta(days=30), "class": "included"}
    act = make.grant(8, "ana", product_config_id="gold", membership=plan, lot=lot)
    done = (await make.applied(db, "loc_1", [act]))[0]
    return done.answer["entitlement_id"]


async def test_a_membership_is_frozen_and_returns(kotally: Kotally, db: Database) -> None:
    who = ("--membership", await member(kotally, db))
    far = (now() + timedelta(days=20)).date().isoformat()
    near = (now() + timedelta(days=10)).date().isoformat()
    later = (now() + timedelta(days=40)).date().isoformat()

    preview = await kotally(
        *("membership", "freeze", "--location", "loc_1", *who, "--resume", far, "--preview")
    )
    assert preview.out.startswith("Would be: membership frozen\n")
    planned = await run(
        kotally, *("membership", "freeze", *who, "--from", near, "--resume", far, "--note", "Trip")
    )
    assert (planned["code"], planned["status"]) == ("membership_frozen", "planned")
    longer = await run(kotally, "membership", "freeze-extend", *who, "--resume", later)
    assert longer["days"] > planned["days"]
    gone = await run(kotally, "membership", "freeze-cancel", *who)
    assert gone["code"] == "freeze_cancelled"
    await run(kotally, "membership", "freeze", *who, "--resume", far)
    back = await run(kotally, "membership", "resume", *who)
    assert (back["code"], back["days"]) == ("membership_resumed", 0)
    refused = await kotally("membership", "resume", "--location", "loc_1", *who)
    assert (refused.code, "NOT_FROZEN" in refused.err) == (1, True)


async def test_a_closure_is_made_and_undone(kotally: Kotally, db: Database) -> None:
    await member(kotally, db)
    days = ("--from", now().date().isoformat())
    days += ("--reopen", (now() + timedelta(days=3)).date().isoformat(), "--note", "Flood")

    dry = await run(kotally, "closure", "create", *days, "--preview")
    done = await run(kotally, "closure", "create", *days)
    undone = await run(kotally, "closure", "undo", "--closure", done["closure_id"])

    assert (dry["lots_moved"], done["lots_moved"], undone["lots_moved"]) == (1, 1, 1)
    wrong = await kotally("closure", "create", "--location", "loc_1", "--from", "soon")
    assert (wrong.code, "is not a date" in wrong.err) == (2, True)
