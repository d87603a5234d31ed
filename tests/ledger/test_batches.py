"""A batch comes to the same as its acts one by one, and commits as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from kotally.core.ids import new_id
from kotally.db import Database
from tests import make
from tests.ledger.conftest import Opened
from tests.ledger.desk import SCALE, Desk
from tests.make import Act, Outcome


async def codes(desk: Desk, *acts: Act) -> list[str]:
    """Carry out a batch and return what came of each act."""
    return [outcome.code for outcome in await desk.do(*acts)]


async def test_an_empty_batch_is_fine(desk: Desk) -> None:
    assert await desk.do() == []


async def test_a_refused_item_leaves_the_others(desk: Desk) -> None:
    """Items fail alone; the batch commits as one."""
    await desk.lot(3)

    assert await codes(desk, make.deduct(2), make.deduct(9), make.deduct(1)) == [
        "deducted",
        "INSUFFICIENT_CREDITS",
        "deducted",
    ]
    assert await desk.balance() == (0, 0)


async def test_items_see_what_earlier_ones_have_left(desk: Desk) -> None:
    """Running sums, lot by lot, and the balance after each."""
    a, b = await desk.lot(2, priority=1), await desk.lot(2, priority=2)

    done = await desk.do(*(make.deduct(1) for _ in range(5)))

    assert [outcome.code for outcome in done] == ["deducted"] * 4 + ["INSUFFICIENT_CREDITS"]
    assert [outcome.answer["balance_after"] for outcome in done] == [3, 2, 1, 0, 0]
    drawn = [outcome.answer["slices"][0]["lot_id"] for outcome in done[:4]]
    assert drawn == [str(a), str(a), str(b), str(b)]


async def test_acts_of_several_contacts_do_not_mix(desk: Desk) -> None:
    """Interleaved contacts: each is decided from its own lots, answers come in the given order."""
    for number in range(4):
        await desk.of(f"m{number}").lot(number) if number else await desk.of("m0").contact_id()

    done = await desk.do(*(make.deduct(1, f"m{n}") for n in (3, 0, 2, 3, 1, 0, 1, 2, 3)))

    short = {"NO_ENTITLEMENT", "INSUFFICIENT_CREDITS"}
    assert [outcome.code in short for outcome in done] == [
        False, True, False, False, False, True, True, False, False,
    ]  # fmt: skip


async def test_a_repetition_before_a_new_act_of_the_same_contact(desk: Desk) -> None:
    """A replayed item must not hide the contact's lots from the next one, nor lend another's."""
    for name in ("ana", "bob"):
        await desk.of(name).lot(5)
    known = make.deduct(1, "bob")
    await desk.one(known)

    for first in (make.deduct(1, "ana"), None):
        acts = [*([first] if first else []), known, make.deduct(1, "bob")]
        done = await desk.do(*acts)
        assert [outcome.code for outcome in done] == ["deducted"] * len(acts)
        assert [outcome.replayed for outcome in done[-2:]] == [True, False]
    assert await desk.of("bob").balance() == (2, 0)


async def test_another_contacts_key_before_a_new_act(desk: Desk) -> None:
    """An item that only repeats a key of this very batch must not hide the contact either."""
    for name in ("ana", "bob"):
        await desk.of(name).lot(5)
    taken = make.deduct(1, "ana", request_id="one")
    stolen = make.deduct(1, "bob", request_id="one")

    assert await codes(desk, taken, stolen, make.deduct(2, "bob")) == [
        "deducted",
        "IDEMPOTENCY_CONFLICT",
        "deducted",
    ]
    assert await desk.of("bob").balance() == (3, 0)


async def test_the_same_request_twice_in_one_batch(desk: Desk) -> None:
    """S15.1: duplicates inside a batch are replays of the first; another body is a conflict."""
    await desk.lot(5)
    act = make.deduct(1, request_id="one")
    again = act._replace(id=new_id(), correlation_id=new_id())
    other = make.deduct(2, request_id="one")

    first, second, third = await desk.do(act, again, other)

    assert second == first._replace(replayed=True)
    assert third.code == "IDEMPOTENCY_CONFLICT"
    assert await desk.balance() == (4, 0)


async def test_a_booking_twice_in_one_batch(desk: Desk) -> None:
    """S15.3 inside a batch; once it is given back, the booking can be taken anew."""
    await desk.lot(5)
    reference = {"external_ref": "bk"}

    assert await codes(
        desk,
        make.deduct(1, **reference),
        make.hold(2, **reference),
        make.restore(1, **reference),
        make.restore(1, **reference),
        make.deduct(3, **reference),
    ) == ["deducted", "DUPLICATE_EVENT", "restored", "ALREADY_RESTORED", "deducted"]
    assert await desk.balance() == (2, 0)


async def test_mixed_operations_happen_in_order(desk: Desk) -> None:
    """A grant, a deduction from it, its return, a hold and its capture, in one batch."""
    await make.product(desk.db, desk.location)
    hold = make.hold(2)
    checks = [make.act("check", amount=4, product_config_id="pc_1", request_id=None)] * 2

    done = await desk.do(
        make.deduct(1),
        make.grant(4),
        checks[0],
        make.deduct(4),
        checks[1],
        make.restore(4),
        hold,
        make.act("capture", hold_id=hold.id, amount=1),
        make.deduct(3),
        make.deduct(1),
    )

    assert [outcome.code for outcome in done] == [
        "NO_ENTITLEMENT", "grant_applied", "eligible", "deducted", "INSUFFICIENT_CREDITS",
        "restored", "held", "captured", "deducted", "INSUFFICIENT_CREDITS",
    ]  # fmt: skip
    assert await desk.balance() == (0, 0)


async def test_an_atomic_batch_is_all(desk: Desk) -> None:
    await desk.lot(3)

    done = await desk.do(make.deduct(1), make.hold(2), atomic=True)

    assert [outcome.code for outcome in done] == ["deducted", "held"]
    assert await desk.balance() == (0, 2)


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_an_atomic_batch_is_nothing(desk: Desk, place: int) -> None:
    """The first refusal raises KT001 with the item's place, code and answer; nothing is written."""
    await desk.lot(3)
    acts = [make.deduct(1), make.deduct(1)]
    acts.insert(place, make.deduct(9))

    with pytest.raises(asyncpg.PostgresError) as caught:
        await desk.do(*acts, atomic=True)

    fault = caught.value
    assert fault.sqlstate == "KT001"
    assert fault.message == "INSUFFICIENT_CREDITS"
    detail = make.decoded(fault.detail)
    assert (detail["ord"], detail["code"]) == (place + 1, "INSUFFICIENT_CREDITS")
    assert await desk.balance() == (3, 0)
    assert not any(outcome.replayed for outcome in await desk.do(*acts))


async def test_an_atomic_batch_can_be_repeated(desk: Desk) -> None:
    """S15.1: what was done once is done; all items are replays."""
    await desk.lot(3)
    acts = [make.deduct(1), make.deduct(2)]
    first = await desk.do(*acts, atomic=True)

    assert await desk.do(*acts, atomic=True) == [one._replace(replayed=True) for one in first]


@pytest.mark.parametrize("kind", ["conflict", "refusal", "conflict inside"])
async def test_a_replayed_refusal_stops_an_atomic_batch(desk: Desk, kind: str) -> None:
    """All or nothing: an item whose key has another answer was not done."""
    await desk.lot(3)
    if kind == "conflict inside":
        acts = [make.deduct(1, request_id="one"), make.deduct(2, request_id="one")]
    else:
        old = make.deduct(9 if kind == "refusal" else 1, request_id="one")
        await desk.one(old)
        acts = [make.deduct(1), old if kind == "refusal" else make.deduct(2, request_id="one")]
    before = await desk.balance()

    with pytest.raises(asyncpg.PostgresError, match=r"IDEMPOTENCY_CONFLICT|INSUFFICIENT_CREDITS"):
        await desk.do(*acts, atomic=True)

    assert await desk.balance() == before


async def test_a_lot_of_another_location_cannot_be_opened(desk: Desk, opened: Opened) -> None:
    """The wall: a plan that names another location's lot is a fault, not a movement."""
    elsewhere = await opened()
    await elsewhere.lot(1)
    contact = await desk.contact_id()

    with pytest.raises(asyncpg.RaiseError, match="another location"):
        await desk.db.execute(
            "select kotally.post($1, now(), '{}', array[kotally.empty_lot($2, $3, now())])",
            desk.location,
            elsewhere.location,
            contact,
        )


CONTACTS = ["ana", "bob", "eve"]
REFERENCES = [None, None, "bk1", "bk2"]

steps = st.lists(
    st.fixed_dictionaries(
        {
            "operation": st.sampled_from(
                ["deduct", "deduct", "deduct", "hold", "restore", "capture", "release", "check",
                 "grant", "repeat"]
            ),
            "contact": st.sampled_from(CONTACTS),
            "amount": st.integers(1, 3),
            "calendar": st.sampled_from(["cal_1", None]),
            "reference": st.sampled_from(REFERENCES),
            "earlier": st.integers(0, 20),
        }
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


def written(steps: Sequence[dict[str, Any]]) -> list[Act]:
    """Turn steps into acts; captures and releases name earlier holds, repeats earlier acts."""
    acts: list[Act] = []
    for number, step in enumerate(steps):
        contact, earlier = step["contact"], step["earlier"]
        fields: dict[str, Any] = {"request_id": f"r{number}", "id": UUID(int=number + 1)}
        fields["external_ref"] = step["reference"]
        wanted = {"calendar_id": step["calendar"]} if step["calendar"] else {}
        holds = [act for act in acts if act.operation == "hold"]
        match step["operation"]:
            case "deduct" | "hold" | "restore" as operation:
                act = getattr(make, operation)(step["amount"], contact, **fields, **wanted)
            case "check":
                act = make.deduct(step["amount"], contact, **fields, **wanted)
                act = act._replace(operation="check", request_id=None)
            case "grant":
                payment = f"pay {contact} {earlier % 3}"
                act = make.grant(step["amount"], contact, payment=payment, **fields)
            case "repeat" if acts:
                act = acts[earlier % len(acts)]._replace(correlation_id=new_id())
            case "capture" | "release" as operation if holds:
                hold = holds[earlier % len(holds)]
                who = hold.external_contact_id
                act = make.act(operation, who, **fields, hold_id=hold.id, amount=step["amount"])
            case _:
                continue
        acts.append(act)
    return acts


async def stocked(opened: Opened) -> Desk:
    """Open a desk at which two contacts hold lots, and the third nothing."""
    desk = await opened()
    await make.product(desk.db, desk.location)
    for contact in CONTACTS[:2]:
        for columns in (
            {"coverage": {"cal_1": 2}, "priority": 90},
            {},
            {"expires_at": "2026-03-02T12:00:00Z"},
        ):
            await desk.of(contact).lot(4, **columns)
    return desk


SILENT = {
    "location_id",
    "contact_id",
    "payment_id",
    "lot_id",
    "entitlement_id",
    "slices",
    "funding",
    "short_by",
}


# A restore before the grant that makes the contact: in one batch the contact is there already.
ALIKE = {"NOTHING_TO_RESTORE": "NO_ENTITLEMENT"}


def told(outcomes: Sequence[Outcome]) -> list[tuple[str, bool, dict[str, Any]]]:
    """Return what does not depend on ids that each run makes anew."""
    return [
        (
            ALIKE.get(outcome.code, outcome.code),
            outcome.replayed,
            {k: v for k, v in outcome.answer.items() if k not in SILENT},
        )
        for outcome in outcomes
    ]


async def standing(desk: Desk) -> list[Any]:
    """Return every contact's lots, postings and holds, without the ids of the run."""
    lots = await desk.db.fetch(
        "select c.external_id, l.class, l.issued, l.available, l.held, l.consumed, l.expired"
        "  from kotally.lots l join kotally.contacts c"
        "    on c.location_id = l.location_id and c.id = l.contact_id"
        " where l.location_id = $1 order by 1, l.effective_at, 2, 3, 4, 5, 6, 7",
        desk.location,
    )
    postings = await desk.db.fetch(
        "select c.external_id, p.seq, p.kind, p.amount, p.available_after, p.held_after,"
        "       p.external_ref, p.refers_to, p.request_id"
        "  from kotally.postings p join kotally.contacts c"
        "    on c.location_id = p.location_id and c.id = p.contact_id"
        " where p.location_id = $1 and p.source = 'api' order by 1, 2",
        desk.location,
    )
    holds = await desk.db.fetch(
        "select id, status, units, amount, captured, released, returned, placed_seq, is_live"
        "  from kotally.holds where location_id = $1 order by id",
        desk.location,
    )
    return [[tuple(row) for row in rows] for rows in (lots, postings, holds)]


@settings(
    max_examples=40 * SCALE,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=steps, cut=st.integers(0, 12))
async def test_any_batch_equals_its_acts_one_by_one(
    opened: Opened, ledger_db: Database, steps: list[dict[str, Any]], cut: int
) -> None:
    """Codes, answers and books are the same in one batch, in two, and act by act."""
    acts = written(steps)
    whole, parts, single = [await stocked(opened) for _ in range(3)]

    together = await whole.do(*acts)
    in_two = await parts.do(*acts[:cut]) + await parts.do(*acts[cut:])
    one_by_one = [await single.one(act) for act in acts]

    assert told(together) == told(one_by_one)
    assert told(in_two) == told(one_by_one)
    assert await standing(whole) == await standing(single) == await standing(parts)
    for desk in (whole, parts, single):
        await desk.assert_books()
