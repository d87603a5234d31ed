"""What an operator types finds what was due done first, as with the API (S6.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from kotally.db import Database
from kotally.ledger.writer import Writer
from tests import make
from tests.cli.conftest import Kotally
from tests.lifecycle import acts
from tests.lifecycle.studio import START, Studio, how

LATE = timedelta(days=40)


@pytest.fixture
async def late(db: Database, owner_db: Database) -> AsyncIterator[Studio]:
    """Give a studio without a worker, where ana's membership should have renewed itself."""
    writer = Writer(db)
    await writer.start()
    studio = Studio(db, owner_db, writer, await make.location(owner_db, clock=START))
    await studio.opens()
    bought = studio.learn(
        await acts.pay(studio, how("p"), member="ana", product="four", payment="p")
    )
    studio.know_membership(bought)
    waits: dict[str, Any] = {"starts_at": START + 2 * LATE, "class_ref": "yoga", "waitlist": True}
    studio.learn(await acts.book(studio, how("b"), member="ana", external_ref="b", **waits))
    await studio.waits(LATE, is_punctual=False)
    yield studio
    await writer.stop()


@pytest.mark.parametrize(
    "words",
    [
        "membership cancel --membership {membership}",
        "membership migrate --product four",
        "membership freeze --membership {membership} --resume 2026-04-01",
        "location set-timezone --timezone Europe/Berlin",
        "closure create --from 2026-04-01 --reopen 2026-04-03 --note Flood",
        "payment refund --payment {payment}",
        "payment dispute --payment {payment} --event opened",
        "credits adjust --contact ana --amount 1 --reason goodwill --note Oh --role owner --by a",
        "credits transfer --from bob --to ana --amount 1 --note Gift --by ann",
        "sharing use --contact ana",
        "booking place --contact ana --reference new --at 2026-03-15T10:00:00Z",
        "booking cancel --booking {booking}",
        "booking cancel-class --class yoga",
        "booking promote --class yoga",
    ],
)
async def test_a_command_finds_the_membership_renewed(
    kotally: Kotally, late: Studio, words: str
) -> None:
    ids = {kind: str(late.id(kind, 0)) for kind in ("membership", "payment", "booking")}

    typed = await kotally(*words.format(**ids).split(), "--location", late.location, "--preview")

    assert typed.code == 0 or "Refused with INSUFFICIENT_CREDITS" in typed.err, typed
    number = "select period_number from kotally.memberships where location_id = $1"
    assert await late.db.fetchval(number, late.location) == 2
