"""POST /batch: each operation with its own key and outcome, or all of them or none."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from kotally.api.answers import REASONS
from kotally.api.batch import OPERATIONS_MAX
from tests import make
from tests.api.conftest import refused
from tests.api.front import CALENDAR, MEMBER, MEMBERSHIP, PACKAGE, Body, Front, Shop

START = ["ok", "reason_code", "correlation_id"]


def deduct(member: str = MEMBER, **fields: Any) -> Body:
    return {
        "operation": "deduct",
        "request_id": make.name("op"),
        "external_contact_id": member,
        "calendar_id": CALENDAR,
        **fields,
    }


def restore(**fields: Any) -> Body:
    return {**deduct(**fields), "operation": "restore"}


def grant(member: str = MEMBER, product: str = PACKAGE, **fields: Any) -> Body:
    return {
        "operation": "grant",
        "request_id": make.name("op"),
        "external_contact_id": member,
        "product_config_id": product,
        "external_payment_id": make.name("payment"),
        **fields,
    }


def check(member: str = MEMBER, **fields: Any) -> Body:
    return {
        "operation": "check",
        "external_contact_id": member,
        "calendar_id": CALENDAR,
        **fields,
    }


async def sent(shop: Shop, *operations: Body, **fields: Any) -> Body:
    answer = await shop.post("/batch", {"operations": operations, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


def codes(answer: Body) -> list[str]:
    return [result["reason_code"] for result in answer["results"]]


async def test_operations_are_done_in_order_each_with_its_own_outcome(shop: Shop) -> None:
    answer = await sent(
        shop, deduct(), grant(), check(), deduct(amount=11), deduct(amount=4), check(amount=7),
        restore(amount=4), restore(), deduct(calendar_id="cal_9"), grant(product="pc_none"),
    )  # fmt: skip

    assert list(answer)[:4] == [*START, "results"]
    assert answer["reason_code"] == "batch_handled"
    assert codes(answer) == [
        "NO_ENTITLEMENT", "grant_applied", "eligible", "INSUFFICIENT_CREDITS", "deducted",
        "INSUFFICIENT_CREDITS", "restored", "NOTHING_TO_RESTORE", "SERVICE_FAMILY_MISMATCH",
        "CONFIG_NOT_FOUND",
    ]  # fmt: skip
    for result in answer["results"]:
        assert list(result)[:3] == START
        assert result["ok"] or result["message"]
    assert await shop.available() == 10
    await shop.assert_books()


async def test_an_operation_is_answered_as_it_is_alone(shop: Shop) -> None:
    """Same id and payload, in a batch or alone: one effect, one answer, byte for byte."""
    operations = [grant(request_id="r1"), deduct(request_id="r2"), restore(request_id="r3")]
    batched = (await sent(shop, *operations))["results"]
    for operation, result, path in zip(
        operations,
        batched,
        ("/grants", "/entitlements/deduct", "/entitlements/restore"),
        strict=True,
    ):
        alone = {name: value for name, value in operation.items() if name != "operation"}
        answer = await shop.post(path, alone)
        assert answer.headers["idempotent-replayed"] == "true"
        assert answer.content == msgspec.json.encode(result)
    assert (await sent(shop, *operations))["results"] == batched
    assert await shop.available() == 10


async def test_the_same_request_twice_in_one_batch_is_done_once(shop: Shop) -> None:
    await shop.grant()
    one = deduct(request_id="r1")

    answer = await sent(shop, one, one, deduct(request_id="r1", amount=2), deduct())

    assert codes(answer) == ["deducted", "deducted", "IDEMPOTENCY_CONFLICT", "deducted"]
    assert answer["results"][0] == answer["results"][1]
    assert answer["results"][2]["errors"][0]["field"] == "amount"
    assert await shop.available() == 8


@pytest.mark.parametrize("operation", [deduct(), check(), restore()])
async def test_a_location_may_be_named_again_but_not_another(
    front: Front, shop: Shop, operation: Body
) -> None:
    other = await front.shop()
    same = await sent(shop, {**operation, "location_id": shop.id})
    assert codes(same) == ["NO_ENTITLEMENT"]

    foreign = {"operations": [check(), {**operation, "location_id": other.id}]}
    answer = refused(await shop.post("/batch", foreign), 400, "VALIDATION_ERROR")
    assert answer["errors"][0]["field"] == "operations[1].location_id"


async def test_all_or_nothing_does_all(shop: Shop) -> None:
    answer = await sent(shop, grant(), grant("other"), deduct(), deduct("other"), atomic=True)

    assert codes(answer) == ["grant_applied"] * 2 + ["deducted"] * 2
    await shop.assert_books()


async def test_all_or_nothing_does_nothing_and_says_what_stopped_it(shop: Shop) -> None:
    """Nothing is written, not even the contact; and no request_id is used up."""
    operations = [grant(), deduct(amount=3), deduct("nobody"), deduct()]
    async with shop.front.untouched():
        answer = await sent(shop, *operations, atomic=True)

    assert (answer["ok"], answer["reason_code"]) == (False, "BATCH_REFUSED")
    assert answer["failed_at"] == 2
    assert codes(answer) == ["NO_ENTITLEMENT"]
    del operations[2]
    assert codes(await sent(shop, *operations, atomic=True)) == [
        "grant_applied",
        "deducted",
        "deducted",
    ]


@pytest.mark.parametrize("amount", [2, 99])
async def test_a_refused_batch_works_with_the_same_request_ids(shop: Shop, amount: int) -> None:
    """NO_ENTITLEMENT or INSUFFICIENT_CREDITS: every place that advises says so, truly."""
    operations = [deduct(amount=amount)]
    if amount > 10:
        await shop.grant()
    answer = await sent(shop, *operations, atomic=True)

    assert "same request_ids" in answer["message"]
    assert "new request_id" not in answer["results"][0]["message"]
    assert "request_ids are as good as new" in REASONS["BATCH_REFUSED"].remedy
    for _ in range(10):
        await shop.grant()
    assert codes(await sent(shop, *operations, atomic=True)) == ["deducted"]


async def test_what_was_refused_before_needs_a_new_request_id_in_a_batch_too(shop: Shop) -> None:
    operations = [deduct()]
    await sent(shop, *operations)
    await shop.grant()
    answer = await sent(shop, *operations, atomic=True)

    assert "with a new one" in answer["message"]
    assert "new request_id" in answer["results"][0]["message"]


async def test_an_all_or_nothing_batch_is_answered_again(shop: Shop) -> None:
    operations = [grant(), deduct()]
    first = await sent(shop, *operations, atomic=True)

    assert (await sent(shop, *operations, atomic=True))["results"] == first["results"]
    assert await shop.available() == 9


@pytest.mark.parametrize("atomic", [False, True])
async def test_two_periods_of_one_membership_in_one_batch(shop: Shop, *, atomic: bool) -> None:
    """Each pays a period of its own, or the batch says what to do."""
    answer = await sent(shop, grant(product=MEMBERSHIP), grant(product=MEMBERSHIP), atomic=atomic)

    if atomic:
        assert (answer["reason_code"], await shop.count("periods")) == ("BATCH_REFUSED", 0)
    else:
        assert codes(answer) == ["grant_applied"] * 2
        assert await shop.count("periods") == 2


async def test_a_batch_needs_every_scope_in_it_and_no_other(front: Front, shop: Shop) -> None:
    await shop.grant()
    token = await shop.client("deduct", "check")
    body = {"operations": [deduct(), check()]}
    assert (await shop.post("/batch", body, token=token)).status_code == 200
    async with front.untouched():
        for operation, scope in ((grant(), "grant"), (restore(), "restore")):
            body = {"operations": [deduct(), operation]}
            answer = await shop.post("/batch", body, token=token)
            assert scope in refused(answer, 403, "INSUFFICIENT_SCOPE")["message"]


@pytest.mark.parametrize(
    ("operations", "field"),
    [
        ([], "operations"),
        ([deduct()] * (OPERATIONS_MAX + 1), "operations"),
        ([None], "operations[0]"),
        (["deduct"], "operations[0]"),
        ([[]], "operations[0]"),
        ([{}], "operations[0]"),
        ([{**deduct(), "operation": "take"}], "operations[0]"),
        ([{**deduct(), "operation": "hold"}], "operations[0]"),
        ([{**deduct(), "operation": None}], "operations[0]"),
        ([deduct(), {**deduct(), "amount": 0}], "operations[1].amount"),
        ([deduct(), {**deduct(), "request_id": ""}], "operations[1].request_id"),
        ([deduct(), {**deduct(), "external_payment_id": "p"}], "operations[1].external_payment_id"),
        ([deduct(), {**check(), "request_id": "r"}], "operations[1].request_id"),
        ([deduct(), {**deduct(), "calendar_id": None}], "operations[1].product_config_id"),
        ([deduct(), {**deduct(), "external_contact_id": None}], "operations[1].external_contact"),
        ([deduct(), {**deduct(), "appointment_time": "soon"}], "operations[1].appointment_time"),
        ([{**grant(), "metadata": {"a": "x" * 20_000}}], "operations[0].metadata"),
    ],
)
async def test_one_malformed_operation_refuses_the_whole_batch(
    front: Front, shop: Shop, operations: list[Any], field: str
) -> None:
    async with front.untouched():
        answer = await shop.post("/batch", {"operations": operations})
        errors = refused(answer, 400, "VALIDATION_ERROR")["errors"]

    assert any(problem["field"].startswith(field) for problem in errors), errors


async def test_the_largest_batch_is_done_as_one(shop: Shop) -> None:
    members = [f"m{number % 100}" for number in range(OPERATIONS_MAX)]
    given = await sent(shop, *(grant(member) for member in members))
    taken = await sent(shop, *(deduct(member) for member in members))

    assert set(codes(given)) == {"grant_applied"}
    assert set(codes(taken)) == {"deducted"}
    for number in (0, 99, 499):
        assert taken["results"][number]["balance_after"] == 50 - 1 - number // 100
    await shop.assert_books()


async def test_crossing_batches_do_not_wait_for_each_other_for_ever(shop: Shop) -> None:
    """All or nothing over the same members in opposite orders, at once, with single requests."""
    members = [f"m{number}" for number in range(20)]
    await sent(shop, *(grant(member) for member in members))

    answers = await asyncio.gather(
        *(
            sent(shop, *(deduct(member) for member in order), atomic=atomic)
            for order in (members, members[::-1])
            for atomic in (True, False)
        ),
        *(shop.deduct(external_contact_id=member) for member in members),
    )

    assert all(answer["ok"] for answer in answers)
    balances = [await shop.available(member) for member in members]
    assert balances == [5] * 20
    await shop.assert_books()
