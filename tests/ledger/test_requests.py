"""S15: a request has one effect and one answer."""

from __future__ import annotations

import asyncpg
import pytest

from kotally.core.ids import new_id
from tests import make
from tests.ledger.conftest import Opened
from tests.ledger.desk import Desk
from tests.make import Act, Outcome

MOVES = ["deduct", "hold", "restore", "capture", "release", "grant"]


async def arranged(desk: Desk, operation: str) -> Act:
    """Make an act of an operation that will be done, on a contact that allows it."""
    await make.product(desk.db, desk.location)
    await desk.lot(9)
    await desk.deduct(1)
    held = await desk.hold(1)
    hold_id = {"hold_id": held.answer["hold_id"]}
    return {
        "deduct": lambda: make.deduct(1),
        "hold": lambda: make.hold(1),
        "restore": lambda: make.restore(1),
        "capture": lambda: make.act("capture", **hold_id),
        "release": lambda: make.act("release", **hold_id),
        "grant": lambda: make.grant(3),
    }[operation]()


def repeated(act: Act) -> Act:
    """Return the same request as a caller would send it again: the ids of ours are new."""
    return act._replace(id=new_id(), correlation_id=new_id())


@pytest.mark.parametrize("operation", MOVES)
async def test_the_same_request_gets_the_same_answer(desk: Desk, operation: str) -> None:
    """S15.1: byte for byte, with the first correlation id, marked as replayed; nothing moves."""
    act = await arranged(desk, operation)
    first = await desk.one(act)
    after = await desk.history()

    again = await desk.one(repeated(act))

    assert first.code == first.code.lower()
    assert not first.replayed
    assert again == first._replace(replayed=True)
    assert again.correlation_id == act.correlation_id
    assert await desk.history() == after


@pytest.mark.parametrize("operation", MOVES)
async def test_another_body_under_the_same_key_is_a_conflict(desk: Desk, operation: str) -> None:
    """S15.1: never the old answer; the first body is handed over to name what differs."""
    act = await arranged(desk, operation)
    await desk.one(act)
    after = await desk.history()
    other = repeated(act)._replace(request_hash=b"\1" * 32, body='{"other": 1}')

    conflict = await desk.one(other)

    assert (conflict.code, conflict.replayed) == ("IDEMPOTENCY_CONFLICT", False)
    assert conflict.correlation_id == other.correlation_id
    assert conflict.answer["operation"] == operation
    assert conflict.answer["body"] == make.decoded(act.body)
    assert await desk.history() == after
    assert (await desk.one(repeated(act))).replayed, "a conflict does not overwrite the first"


async def test_a_key_belongs_to_one_operation(desk: Desk) -> None:
    """S15.1: a deduction's key cannot be a hold's, even if the bodies are equal."""
    await desk.lot(5)
    act = make.deduct(1, request_id="one")
    await desk.one(act)

    for other in (
        await desk.one(repeated(act)._replace(operation="hold")),
        await desk.restore(1, request_id="one"),
        await desk.hold(1, request_id="one"),
        await desk.grant(1, request_id="one"),
    ):
        assert (other.code, other.answer["operation"]) == ("IDEMPOTENCY_CONFLICT", "deduct")


async def test_a_key_is_of_one_location_and_source(desk: Desk, opened: Opened) -> None:
    """S15.1: the same name elsewhere, or from another door, is another request."""
    elsewhere = await opened()
    for one in (desk, elsewhere):
        await one.lot(5)
        assert (await one.deduct(1, request_id="one")).code == "deducted"
    assert (await desk.deduct(1, request_id="one", source="staff")).code == "deducted"
    assert await desk.balance() == (3, 0)
    assert await elsewhere.balance() == (4, 0)


async def test_a_refusal_is_remembered_but_burns_no_natural_key(desk: Desk) -> None:
    """S15.4: the same request stays refused, a new one for the same booking succeeds."""
    await desk.lot(1)
    act = make.deduct(2, external_ref="bk")
    refused = await desk.one(act)
    await desk.lot(5)

    assert await desk.one(repeated(act)) == refused._replace(replayed=True)
    assert (await desk.deduct(2, external_ref="bk")).code == "deducted"


@pytest.mark.parametrize("code", ["NO_ENTITLEMENT", "CONFIG_NOT_FOUND", "NOTHING_TO_RESTORE"])
async def test_refusals_of_every_kind_are_remembered(desk: Desk, code: str) -> None:
    """S15.4, also for contacts and products that do not exist yet."""
    if code == "NOTHING_TO_RESTORE":
        await desk.contact_id()
    act = {
        "NO_ENTITLEMENT": make.deduct(1),
        "NOTHING_TO_RESTORE": make.restore(1),
        "CONFIG_NOT_FOUND": make.grant(1)._replace(
            args='{"provider": "stripe", "external_payment_id": "pay"}'
        ),
    }[code]

    refused = await desk.one(act)
    assert refused.code == code
    assert await desk.one(repeated(act)) == refused._replace(replayed=True)


async def test_a_payment_is_granted_once(desk: Desk) -> None:
    """S15.3: the payment's reference is unique for ever, whoever it is reported for."""
    await make.product(desk.db, desk.location)
    first = await desk.grant(5, payment="pay_1")

    again = await desk.grant(5, payment="pay_1")
    to_bob = await desk.of("bob").grant(5, payment="pay_1")

    assert first.code == "grant_applied"
    for other in (again, to_bob):
        assert (other.code, other.answer["credits_granted"]) == ("DUPLICATE_EVENT", 0)
        for name in ("payment_id", "entitlement_id", "contact_id"):
            assert other.answer[name] == first.answer[name]
    assert await desk.balance() == (5, 0)


async def test_a_payment_refused_by_another_contact_makes_nobody(desk: Desk) -> None:
    """A repeated payment or an unknown product leaves no empty contact behind."""
    await make.product(desk.db, desk.location)
    await desk.grant(5, payment="pay_1")
    await desk.of("bob").grant(5, payment="pay_1")
    await desk.of("eve").one(
        make.grant(1, "eve")._replace(args='{"provider": "x", "external_payment_id": "y"}')
    )

    names = await desk.db.fetch(
        "select external_id from kotally.contacts where location_id = $1", desk.location
    )
    assert [row["external_id"] for row in names] == ["ana"]


async def test_a_check_is_not_remembered(desk: Desk) -> None:
    """S3.6: it changes nothing, so it has no key."""
    await desk.lot(1)
    await desk.check(1)

    assert (
        await desk.db.fetchval(
            "select count(*) from kotally.requests where location_id = $1", desk.location
        )
        == 0
    )


async def test_a_stale_grant_is_not_remembered(desk: Desk) -> None:
    """S9.1: planned as a first period while one is running, it is planned again under its key."""
    await make.product(desk.db, desk.location, kind="membership")
    period = {
        "after": 0, "number": 1, "anchor_on": "2026-03-02",
        "starts_at": "2026-03-02T05:00:00Z", "ends_at": "2026-04-02T04:00:00Z",
    }  # fmt: skip
    assert (await desk.grant(1, membership=period)).code == "grant_applied"

    stale = make.grant(1, membership=period)
    assert [(await desk.one(stale)).code for _ in range(2)] == ["STALE", "STALE"]
    await desk.db.execute(
        "update kotally.memberships set status = 'ended' where location_id = $1", desk.location
    )
    again = await desk.one(stale)
    assert (again.code, again.replayed) == ("grant_applied", False)
    assert await desk.balance() == (2, 0)


async def test_the_answer_and_the_movement_are_one_transaction(desk: Desk) -> None:
    """S15.2: rolled back together; there is no state between them."""
    await desk.lot(5)
    act = make.deduct(1)

    async def apply_and_crash() -> None:
        async with desk.db.transaction() as tx:
            assert (await make.applied(tx, desk.location, [act]))[0].code == "deducted"
            raise RuntimeError("crash")

    with pytest.raises(RuntimeError, match="crash"):
        await apply_and_crash()

    assert await desk.balance() == (5, 0)
    assert not (await desk.one(act)).replayed


async def test_a_request_cannot_be_forgotten(desk: Desk) -> None:
    """S15.3: keys are kept as long as the ledger; nobody who runs may remove one."""
    await desk.lot(5)
    await desk.deduct(1)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await desk.db.execute("delete from kotally.requests where location_id = $1", desk.location)


def is_done(outcome: Outcome) -> bool:
    """Tell whether an act was carried out."""
    return outcome.code.islower()


async def test_many_acts_need_many_keys(desk: Desk) -> None:
    await desk.lot(5)

    outcomes = [await desk.deduct(1) for _ in range(7)]

    assert [is_done(outcome) for outcome in outcomes] == [True] * 5 + [False] * 2
