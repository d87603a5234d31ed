"""S6.5: a month with a worker and a month without one are the same to whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from kotally.worker import travel
from tests import make
from tests.api.front import CALENDAR, Front, Shop, opened_front
from tests.api.test_overdue import clock, works

Body = dict[str, Any]
START = datetime(2026, 1, 15, 15, tzinfo=UTC)

RULES: dict[str, Body] = {
    "club": {"renews": "itself", "rollover": {"max_per_roll": 3, "max_bank": 4}},
    "paid": {
        "rollover": {"max_per_roll": 2},
        "freeze": {"covers_packs": True},
        "arrears": {"grace_days": 3, "hold_days": 5, "cancel_after_days": 20},
    },
    "yearly": {"renews": "itself", "period_months": 12, "grant_months": 1},
    "all": {"renews": "itself", "unlimited": True, "caps": [{"count": 2, "window": "week"}]},
    "pack": {"attendance": {"auto_close_as": "no_show", "no_show_forfeit_percent": 100}},
}
# When, who, what; a capture is of the last hold, a freeze of the member's first membership.
STORY: list[tuple[str, str, str, Body]] = [
    ("2026-01-15T15:00", "ana", "grant", {"product_config_id": "club"}),
    ("2026-01-15T15:00", "ana", "grant", {"product_config_id": "pack"}),
    ("2026-01-15T16:00", "bob", "grant", {"product_config_id": "paid"}),
    ("2026-01-15T16:00", "bob", "grant", {"product_config_id": "pack"}),
    ("2026-01-16T10:00", "cem", "grant", {"product_config_id": "pack"}),
    ("2026-01-16T11:00", "dora", "grant", {"product_config_id": "yearly"}),
    ("2026-01-16T11:00", "dora", "grant", {"product_config_id": "pack"}),
    ("2026-01-16T12:00", "eve", "grant", {"product_config_id": "all"}),
    ("2026-01-16T12:00", "eve", "grant", {"product_config_id": "pack"}),
    ("2026-01-20T10:00", "ana", "deduct", {"amount": 2, "external_ref": "a1"}),
    ("2026-01-20T10:00", "cem", "book", {"external_ref": "c1", "at": "2026-01-25T18:00"}),
    ("2026-01-20T11:00", "bob", "freeze", {"starts_on": "2026-02-05", "resumes_on": "2026-02-15"}),
    ("2026-01-28T10:00", "cem", "deduct", {"amount": 3}),
    ("2026-02-10T10:00", "bob", "deduct", {"amount": 1}),
    ("2026-02-14T10:00", "ana", "hold", {"amount": 2, "external_ref": "a2"}),
    ("2026-02-17T10:00", "ana", "deduct", {"amount": 5, "external_ref": "a3"}),
    ("2026-02-17T10:00", "ana", "restore", {"amount": 2, "external_ref": "a2"}),
    ("2026-02-17T11:00", "dora", "deduct", {"amount": 9}),
    ("2026-02-17T11:00", "eve", "deduct", {"amount": 1, "external_ref": "e1"}),
    ("2026-02-17T12:00", "eve", "book", {"external_ref": "e2", "at": "2026-02-19T18:00"}),
    ("2026-02-17T13:00", "eve", "deduct", {"amount": 1, "external_ref": "e3"}),
    ("2026-02-18T13:00", "eve", "restore", {"amount": 1, "external_ref": "e1"}),
    ("2026-02-20T10:00", "bob", "deduct", {"amount": 2, "external_ref": "b1"}),
    ("2026-02-20T11:00", "cem", "deduct", {"amount": 7}),
    ("2026-02-26T10:00", "bob", "deduct", {"amount": 1}),
    ("2026-03-02T10:00", "bob", "deduct", {"amount": 1}),
    ("2026-03-02T10:00", "bob", "restore", {"amount": 2, "external_ref": "b1"}),
    ("2026-03-03T10:00", "bob", "grant", {"product_config_id": "paid"}),
    ("2026-03-03T11:00", "bob", "deduct", {"amount": 3}),
    ("2026-03-14T10:00", "ana", "hold", {"amount": 2, "external_ref": "a4"}),
    ("2026-03-16T09:00", "ana", "capture", {"amount": 1}),
    ("2026-03-16T10:00", "ana", "restore", {"amount": 5, "external_ref": "a3"}),
    ("2026-03-18T10:00", "ana", "deduct", {"amount": 12}),
    ("2026-03-18T10:00", "dora", "deduct", {"amount": 1}),
    ("2026-04-20T10:00", "dora", "grant", {"product_config_id": "pack"}),
    ("2026-05-05T10:00", "bob", "deduct", {"amount": 1}),
    ("2026-05-05T10:00", "ana", "deduct", {"amount": 1}),
    ("2026-05-06T10:00", "bob", "grant", {"product_config_id": "paid"}),
    ("2026-05-07T10:00", "bob", "deduct", {"amount": 1}),
]
PEOPLE = ("ana", "bob", "cem", "dora", "eve")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def front(
    clones: Any, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Front]:
    target = await clones.make(template)
    async with opened_front(target, tmp_path_factory.mktemp("front")) as made:
        yield made
    await clones.drop(target)


async def opened(front: Front) -> Shop:
    location_id = await make.location(front.owner, clock=START)
    for product, rules in RULES.items():
        kind = "package" if product == "pack" else "membership"
        await make.product(
            front.owner, location_id, product, kind=kind, credits_=10 if kind == "package" else 8
        )
        await front.owner.execute(
            "update kotally.product_versions set rules = $3, expiry_days = $4"
            " where location_id = $1 and product_id = $2",
            location_id,
            product,
            rules,
            40 if kind == "package" else None,
        )
    shop = Shop(front, location_id, "")
    shop.token = await shop.client()
    return shop


async def does(shop: Shop, place: int, known: Body) -> Body:
    """Carry out a step of the story; what it says, without what is made anew each time."""
    _, who, what, told = STORY[place]
    body: Body = {"external_contact_id": who, "request_id": f"r{place}", **told}
    match what:
        case "grant":
            path = "/grants"
            body["external_payment_id"] = f"p{place}"
        case "freeze":
            path = f"/memberships/{known[who]}/freeze"
            del body["external_contact_id"]
        case "book":
            path = "/bookings"
            at = body.pop("at")
            body |= {"calendar_id": CALENDAR, "appointment_time": f"{at}:00Z"}
        case "hold":
            path = "/holds"
            body["calendar_id"] = CALENDAR
        case "capture":
            path = f"/holds/{known['hold']}/capture"
            del body["external_contact_id"]
        case _:
            path = f"/entitlements/{what}"
            body["calendar_id"] = CALENDAR
    said = (await shop.post(path, body)).json()
    if what == "grant" and told["product_config_id"] != "pack":
        known.setdefault(who, said["entitlement_id"])
    known["hold"] = said.get("hold_id", known.get("hold"))
    names = ("reason_code", "balance_after", "short_by", "credits", "credits_granted", "expires_at")
    return {name: said[name] for name in names if name in said} | {
        "slices": [each["amount"] for each in said.get("slices", [])]
    }


async def glance(shop: Shop) -> Body:
    """Ask everybody's balances, statuses and eligibility."""
    found: Body = {}
    for who in PEOPLE:
        read = await shop.get(f"/contacts/{who}/credits")
        if read.status_code != 200:
            continue
        body = read.json()
        checked = await shop.check(external_contact_id=who, amount=4)
        found[who] = {
            "credits": body["credits"],
            "entitlements": sorted(
                (each["product_config_id"], each["status"], each["credits_remaining"])
                for each in body["entitlements"]
            ),
            "check": (checked["reason_code"], checked.get("balance_after")),
        }
    return found


async def books(shop: Shop) -> list[Any]:
    """Read what every lot came to, in the end."""
    rows = await shop.front.db.fetch(
        """
        select c.external_id, l.class, l.product_config_id, l.effective_at, l.expires_at,
               l.available, l.held, l.consumed, l.penalty, l.expired, l.forfeited, l.revoked,
               l.transferred
          from kotally.lots l
          join kotally.contacts c on c.location_id = $1 and c.id = l.contact_id
         where l.location_id = $1
         order by c.external_id, l.class, l.product_config_id, l.effective_at, l.expires_at,
                  l.issued
        """,
        shop.id,
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize("looks", [False, True])
@pytest.mark.parametrize("runs_every", [None, 3, 7])
async def test_a_month_without_a_worker_is_the_month_with_one(
    front: Front, runs_every: int | None, looks: bool
) -> None:
    """
    S6.5: whether it never runs or comes late now and then, answers, balances and lots are the same.

    Reading in between does what is due and so must change nothing either.
    """
    worked, stopped = await opened(front), await opened(front)
    known: tuple[Body, Body] = ({}, {})
    for place, (at, *_) in enumerate(STORY):
        to = datetime.fromisoformat(at).replace(tzinfo=UTC)
        async for _ in travel.advance(front.db, worked.id, to):
            pass
        await clock(stopped, to)
        if runs_every and place % runs_every == 0:
            await works(stopped)
        if looks:
            assert await glance(stopped) == await glance(worked), STORY[place]
        with_worker = await does(worked, place, known[0])
        assert await does(stopped, place, known[1]) == with_worker, STORY[place]
    assert await glance(stopped) == await glance(worked)
    await works(stopped)
    await works(worked)

    assert await books(stopped) == await books(worked)
    for shop in (worked, stopped):
        await shop.assert_books()
