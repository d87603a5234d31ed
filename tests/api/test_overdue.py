"""Issue 3: the worker stopped for days changes nothing that a member can see (S6.5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from kotally.worker import travel
from tests import make
from tests.api.front import CALENDAR, MEMBER, Front, Shop, opened_front

START = datetime(2026, 1, 15, 15, tzinfo=UTC)
LATE = datetime(2026, 3, 18, 15, tzinfo=UTC)  # three days after the second boundary

Body = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def front(
    clones: Any, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Front]:
    target = await clones.make(template)
    async with opened_front(target, tmp_path_factory.mktemp("front")) as made:
        yield made
    await clones.drop(target)


@pytest_asyncio.fixture(loop_scope="session")
async def late(front: Front) -> AsyncIterator[Shop]:
    """Give a shop whose worker never ran: a membership is two periods behind, and rolls over."""
    made = await opened(front)
    yield made
    await made.assert_books()


async def opened(front: Front) -> Shop:
    location_id = await make.location(front.owner, clock=START)
    await make.product(front.owner, location_id, "club", kind="membership", credits_=8)
    await make.product(front.owner, location_id, "pack", credits_=10)
    await front.owner.execute(
        "update kotally.product_versions set rules = $2"
        " where location_id = $1 and product_id = 'club'",
        location_id,
        {"renews": "itself", "rollover": {"max_per_roll": 3, "max_bank": 3}},
    )
    shop = Shop(front, location_id, "")
    shop.token = await shop.client()
    await shop.grant("club")
    await shop.deduct(amount=2)
    await clock(shop, LATE)
    return shop


async def clock(shop: Shop, to: datetime) -> None:
    await shop.front.owner.execute(
        "update kotally.locations set clock_at = $2 where id = $1", shop.id, to
    )


async def works(shop: Shop) -> None:
    """Run the worker's sweeps at this one location until nothing is due."""
    while (await travel.run_due(shop.front.db, shop.id))[0]:
        pass


async def test_balances_are_those_with_a_worker(front: Front, late: Shop) -> None:
    worked = await opened(front)
    await works(worked)

    assert await late.available() == await worked.available() == 11


@pytest.mark.parametrize("path", ["credits", "entitlements", "ledger", "timeline"])
async def test_each_read_does_what_is_due_first(front: Front, late: Shop, path: str) -> None:
    worked = await opened(front)
    await works(worked)

    assert await seen(late, path) == await seen(worked, path)


async def test_eligibility_is_that_with_a_worker(late: Shop) -> None:
    answer = await late.check(amount=11)

    assert (answer["reason_code"], answer["balance_after"]) == ("eligible", 0)


@pytest.mark.parametrize("act", ["deduct", "hold"])
async def test_a_deduction_finds_what_was_due(late: Shop, act: str) -> None:
    """What the kernel would refuse is asked again once the periods have turned."""
    answer = await getattr(late, act)(amount=9, request_id="once")
    again = await getattr(late, act)(amount=9, request_id="once")

    assert (answer["ok"], answer["balance_after"]) == (True, 2)
    assert again == answer
    assert await late.available() == 2


async def test_a_refusal_is_the_one_of_the_renewed_membership(late: Shop) -> None:
    answer = await late.deduct(amount=12, request_id="more")
    again = await late.deduct(amount=12, request_id="more")

    assert (answer["reason_code"], answer["short_by"]) == ("INSUFFICIENT_CREDITS", 1)
    assert again == answer


@pytest.mark.parametrize("atomic", [False, True])
async def test_a_batch_finds_what_was_due(late: Shop, atomic: bool) -> None:
    mine = {"external_contact_id": MEMBER, "calendar_id": CALENDAR}
    operations = [
        {"operation": "deduct", "request_id": f"r{number}", "amount": 5, **mine}
        for number in range(2)
    ]
    answer = await late.post("/batch", {"operations": operations, "atomic": atomic})

    assert [each["reason_code"] for each in answer.json()["results"]] == ["deducted", "deducted"]
    assert await late.available() == 1


async def test_a_booking_is_placed_on_what_was_due(late: Shop) -> None:
    answer = await late.do(
        "/bookings",
        calendar_id=CALENDAR,
        external_ref="yoga",
        appointment_time=(LATE + timedelta(days=1)).isoformat(),
        amount=9,
    )

    assert (answer["reason_code"], answer["balance_after"]) == ("booked", 2)


async def test_many_at_once_do_what_is_due_once(late: Shop) -> None:
    """Readers, deductions and a worker meet at the same late contact."""
    await asyncio.gather(
        *(late.available() for _ in range(4)),
        *(late.deduct(amount=2) for _ in range(4)),
        works(late),
    )

    assert await late.available() == 3


async def test_what_cannot_be_done_is_refused_and_not_asked_for_ever(late: Shop) -> None:
    """A membership that waits for its payment has nothing due once its arrears are noted."""
    await make.product(late.front.owner, late.id, "paid", kind="membership", credits_=8)
    bob = {"external_contact_id": "bob"}
    await late.grant("paid", **bob)
    await clock(late, LATE + timedelta(days=40))

    answer = await late.deduct(**bob)

    assert not answer["ok"]
    assert answer["reason_code"] in {"NO_ENTITLEMENT", "INSUFFICIENT_CREDITS"}


async def seen(shop: Shop, path: str) -> Body:
    """Read a path; what is made anew each time is left out."""
    answer = await shop.get(f"/contacts/{MEMBER}/{path}")
    assert answer.status_code == 200, answer.text
    return without_ids(answer.json())


def without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_ids(v) for k, v in value.items() if not made_anew(k)}
    if isinstance(value, list):
        return [without_ids(each) for each in value if not is_expiry(each)]
    return value


def is_expiry(item: Any) -> bool:
    """Tell the movement of an expiry: every balance counts it before it is posted (S6.5)."""
    return isinstance(item, dict) and item.get("entry", item).get("type") == "expire"


def made_anew(name: str) -> bool:
    """Tell whether a field names a row, how it was written, or which expiry is posted yet."""
    told = {"id", "actor", "source", "balance_after", "credits_available", "credits_expired"}
    return name in told or name.endswith(("_id", "_ids", "_hash"))


async def ids(shop: Shop) -> dict[str, str]:
    """Return the ids of what the member has: the membership, its payment, its newest lot."""
    row = await shop.front.owner.fetchrow(
        """
        select m.id as membership, p.id as payment, l.id as lot
          from kotally.memberships m
          join kotally.payments p on p.location_id = $1 and p.entitlement_id = m.id
          join kotally.lots l on l.location_id = $1 and l.entitlement_id = m.id
         where m.location_id = $1 order by l.id desc limit 1
        """,
        shop.id,
    )
    assert row is not None
    return {name: str(id_) for name, id_ in row.items()}


# Each is an act on what a worker would have brought to today, by its path and its body.
ACTS = [
    ("/memberships/{membership}/cancel", {"at": "now"}),
    ("/memberships/{membership}/freeze", {"starts_on": "2026-03-20", "resumes_on": "2026-03-25"}),
    ("/payments/{payment}/refund", {}),
    ("/payments/{payment}/dispute", {"event": "opened"}),
    ("/adjustments", {"amount": -11, "reason": "correction", "note": "n"}),
    ("/closures", {"starts_on": "2026-03-16", "reopens_on": "2026-03-20", "note": "Flood."}),
]


@pytest.mark.parametrize(("path", "body"), ACTS)
async def test_an_act_of_the_staff_finds_what_was_due(
    front: Front, late: Shop, path: str, body: Body
) -> None:
    """S6.5: with and without a worker the same is answered, and the same is left."""
    worked = await opened(front)
    await works(worked)
    answers: list[Body] = []
    for shop in (worked, late):
        whose = {"external_contact_id": MEMBER} if path == "/adjustments" else {}
        asked = body | whose | {"request_id": make.name("request")}
        said = await shop.post(path.format(**await ids(shop)), asked)
        assert said.json()["ok"], said.text
        answers.append(figures(said.json()))
        await works(shop)

    assert answers[0] == answers[1]
    assert await worked.available() == await late.available()


def figures(answer: Body) -> Body:
    """Return the numbers of an answer, and how many there are of each thing that it lists."""
    found = {name: len(value) for name, value in answer.items() if isinstance(value, list)}
    return found | {name: value for name, value in answer.items() if isinstance(value, int)}
