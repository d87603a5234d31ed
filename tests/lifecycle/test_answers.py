"""What an act says of the balance is what the member sees after it (S1.7)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from kotally.ledger import eligibility
from kotally.ledger.acts import Outcome, act
from tests.lifecycle import acts
from tests.lifecycle.studio import START, Studio, how

AFTER_FREEZE = START + timedelta(days=10)


async def seen(studio: Studio) -> int:
    return (await studio.reads("ana"))["credits"]["available"]


async def book(studio: Studio, ref: str) -> Outcome:
    said: dict[str, Any] = {"external_ref": ref, "starts_at": AFTER_FREEZE}
    return await acts.book(studio, how(ref), member="ana", **said)


@pytest.mark.parametrize("open_classes", [0, 1, 2, 3], ids=lambda n: f"{n} before")
async def test_credits_that_are_paused_now_are_not_in_the_balance(
    studio: Studio, open_classes: int
) -> None:
    """The unlimited plan pays for two a week, then the credits that are frozen until then."""
    await acts.pay(studio, how("p1"), member="ana", product="open", payment="p1")
    bought = studio.learn(
        await acts.pay(studio, how("p2"), member="ana", product="eight", payment="p2")
    )
    studio.know_membership(bought)
    frozen: dict[str, Any] = {"starts_on": date(2026, 1, 29), "days": 5, "mode": "keep"}
    assert (await acts.freeze(studio, how("f"), membership=0, **frozen)).done
    for number in range(open_classes):
        assert (await book(studio, f"b{number}")).done

    asked = act("check", how("check").key, external_contact_id="ana", appointment_at=AFTER_FREEZE)
    reads = eligibility.checks(studio.db)
    checked = msgspec.json.decode((await eligibility.check(reads, studio.location, asked)).answer)
    booked = Studio.read(await book(studio, "last"))

    assert checked["balance_after"] == booked["balance_after"] == await seen(studio) == 0
    assert booked["credits"] == (open_classes >= 2)
