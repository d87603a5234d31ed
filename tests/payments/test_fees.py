"""S5.6: a fee closes on the payment that is for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kotally.bookings import fees
from kotally.ledger.scenes import Done, Scene, play
from tests.payments.till import Till


async def owes(till: Till, cents: int = 1_500) -> str:
    """Charge the contact a fee."""
    contact_id: UUID = await till.db.fetchval(
        "select id from kotally.contacts where location_id = $1 and external_id = $2",
        till.location,
        till.contact,
    )

    async def work(scene: Scene) -> Done:
        await scene.lock([contact_id])
        return Done(
            "charged", {"fee": await fees.charge(scene, contact_id, cents, reason="strikes")}
        )

    outcome = await play(till.db, till.location, "charge", key=till.key(), work=work)
    return outcome.answer.split('"')[3]


async def status(till: Till, fee: str) -> str:
    return await till.db.fetchval(
        "select status from kotally.fees where location_id = $1 and id = $2",
        till.location,
        UUID(fee),
    )


async def told(till: Till) -> list[dict[str, Any]]:
    rows = await till.db.fetch(
        "select details from kotally.happenings where location_id = $1 and type = 'fee_paid'",
        till.location,
    )
    return [row["details"] for row in rows]


@pytest.mark.parametrize("kind", ["package", "membership"])
async def test_a_payment_that_names_a_fee_pays_it(till: Till, kind: str) -> None:
    """Of a pack as of the next period of a membership; once, and told on the timeline."""
    await till.sells(kind=kind)
    await till.buys()
    fee, other = await owes(till), await owes(till)

    paid: dict[str, Any] = {"payment": "inv_1", "metadata": {"fee_id": fee}}
    assert (await till.pays(cents=11_400, **paid)).code == "grant_applied"
    assert (await till.pays(cents=11_400, **paid)).code == "DUPLICATE_EVENT"

    assert [await status(till, each) for each in (fee, other)] == ["paid", "due"]
    assert await told(till) == [{"fee_id": fee, "amount_cents": 1_500}]


async def test_what_is_bought_for_as_much_as_a_fee_does_not_pay_it(till: Till) -> None:
    await till.sells()
    await till.buys()
    fee = await owes(till, 9_900)

    await till.buys(cents=9_900)

    assert await status(till, fee) == "due"


@pytest.mark.parametrize("named", ["", "no-uuid", 7, None, ["x"]])
async def test_a_name_that_is_no_fee_pays_nothing(till: Till, named: Any) -> None:
    await till.sells()
    await till.buys()
    fee = await owes(till)

    await till.buys(metadata={"fee_id": named})

    assert await status(till, fee) == "due"


async def test_too_little_or_somebody_elses_payment_leaves_it_due(till: Till) -> None:
    await till.sells()
    await till.buys()
    fee = await owes(till)

    await till.buys(cents=1_499, metadata={"fee_id": fee})
    await till.of("bob").buys(metadata={"fee_id": fee})

    assert await status(till, fee) == "due"


async def test_a_payment_for_nothing_else_pays_the_oldest_of_its_amount(till: Till) -> None:
    """Whoever reports payments may know no more than contact and amount."""
    await till.sells()
    await till.buys()
    other, first, second = await owes(till, 900), await owes(till), await owes(till)
    contact_id: UUID = await till.db.fetchval(
        "select id from kotally.contacts where location_id = $1", till.location
    )

    async def work(scene: Scene) -> Done:
        await scene.lock([contact_id])
        return Done("paid", {"fee": await fees.pay_matching(scene, contact_id, 1_500)})

    await play(till.db, till.location, "pay", key=till.key(), work=work)

    found = [await status(till, each) for each in (other, first, second)]
    assert found == ["due", "paid", "due"]
