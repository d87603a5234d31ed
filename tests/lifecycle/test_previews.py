"""Issue 3, preview everywhere: its numbers are those of the commit, and it leaves no row."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from kotally.products import products
from kotally.products.products import Changes, Product
from tests.ledger.desk import at
from tests.lifecycle import acts, prints
from tests.lifecycle.studio import Do, Studio, how, without_ids

CLASS = "2026-02-20T17:00:00+00:00"

MOST: list[tuple[Do, dict[str, Any]]] = [
    (acts.freeze, {"membership": 0, "starts_on": date(2026, 2, 12), "days": 14}),
    (acts.resume, {"membership": 1}),
    (acts.extend_freeze, {"membership": 1, "resumes_on": date(2026, 3, 3)}),
    (acts.cancel, {"membership": 0, "at": "period_end"}),
    (acts.cancel, {"membership": 0, "at": "now"}),
    (acts.change, {"membership": 0, "product_config_id": "twelve", "payment_expected": False}),
    (acts.change, {"membership": 1, "product_config_id": "four"}),
    (acts.renew, {"membership": 0}),
    (acts.refund, {"payment": 0, "cents": 4_950, "ref": "re_1"}),
    (acts.refund, {"payment": 1, "cents": 9_900, "ref": "re_1"}),
    (acts.dispute, {"payment": 0, "event": "opened"}),
    (acts.give, {"giver": "ana", "taker": "cem", "amount": 3}),
    (acts.close, {"starts_on": date(2026, 2, 8), "days": 5}),
    (acts.migrate, {"product": "eight"}),
    (acts.adjust, {"member": "ana", "amount": 5, "role": "owner"}),
    (acts.adjust, {"member": "ana", "amount": -5, "role": "owner"}),
    (acts.adjust, {"member": "ana", "amount": 5, "role": "viewer"}),
    (acts.unbook, {"booking": 0}),
    (acts.unbook, {"booking": 1}),
    (acts.move, {"booking": 0, "starts_at": CLASS}),
    (acts.call_off, {"class_ref": "morning"}),
    (acts.extend, {"lot": 0, "valid_to": date(2026, 4, 1)}),
    (acts.share, {"giver": "ana", "taker": "cem"}),
]


async def furnished(studio: Studio) -> None:
    """Sell a pack and two memberships, freeze one of them, and book a near and a far class."""
    sales = (("ana", "ten"), ("ana", "eight"), ("bob", "twelve"))
    for number, (member, product) in enumerate(sales):
        said = {"member": member, "product": product, "payment": f"inv_{number}"}
        answer = studio.learn(await acts.pay(studio, how(f"pay_{number}"), **said))
        if product != "ten":
            studio.know_membership(answer)
    wish: dict[str, Any] = {"membership": 1, "starts_on": date(2026, 2, 1), "days": 20}
    assert (await acts.freeze(studio, how("freeze"), **wish)).done
    edited = await products.edit(studio.db, studio.location, "eight", changes=Changes(credits=9))
    assert isinstance(edited, Product)
    await studio.waits(timedelta(days=10), is_punctual=True)
    for number, hours in enumerate((100, 5)):
        starts_at = await studio.now() + timedelta(hours=hours)
        booking: dict[str, Any] = {
            "member": "ana",
            "external_ref": f"bk_{number}",
            "starts_at": starts_at,
        }
        booked = await acts.book(studio, how(f"book_{number}"), class_ref="morning", **booking)
        studio.learn(booked)
        assert booked.code == "booked"


@pytest.mark.parametrize(("do", "said"), MOST, ids=lambda part: getattr(part, "__name__", None))
async def test_a_preview_is_its_commit_and_leaves_no_row(
    studio: Studio, do: Do, said: dict[str, Any]
) -> None:
    await furnished(studio)
    said = said | ({"starts_at": at(CLASS)} if "starts_at" in said else {})
    before = await prints.contents(studio)

    shown = await do(studio, how("act")._replace(preview=True), **said)
    assert await prints.contents(studio) == before

    done = await do(studio, how("act"), **said)
    assert done.done, done
    assert await prints.contents(studio) != before
    assert (shown.code, without_ids(Studio.read(shown))) == (
        done.code,
        without_ids(Studio.read(done)),
    )
