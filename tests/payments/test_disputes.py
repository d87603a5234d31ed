"""Disputes: suspended while open, back when won, revoked when lost (S10.6, S10.7)."""

from __future__ import annotations

from itertools import permutations
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings, strategies as st

from kotally.payments import dispute_grace
from tests import make
from tests.payments.till import Said, Till

EVENTS = ("refund 30", "opened", "won", "refund 20")


async def test_a_dispute_suspends_what_is_available_and_held(till: Till) -> None:
    """S10.6: nothing is revoked; bookings are kept without funds."""
    await till.sells()
    bought = await till.buys()
    await till.uses(3)
    await till.books("class", units=2)
    said = await till.disputed(bought, "opened")
    assert (said.code, said["credits_revoked"]) == ("dispute_opened", 0)
    assert await till.balance() == (0, 0, 7, 0)
    assert await till.booking("class") == "unfunded"


async def test_a_dispute_that_is_won_puts_everything_back(till: Till) -> None:
    """S10.6: to the bookings what was theirs."""
    await till.sells()
    bought = await till.buys()
    await till.books("class", units=2)
    held = await till.holds(1, external_ref="other")
    await till.disputed(bought, "opened")
    said = await till.disputed(bought, "won")
    assert (said.code, said["dispute_status"]) == ("dispute_won", "won")
    assert await till.balance() == (7, 3, 0, 0)
    assert await till.booking("class") == "booked"
    act = {"hold_id": UUID(held.answer["hold_id"])}
    captured = await make.applied(
        till.db, till.location, [make.act("capture", till.contact, **act)]
    )
    assert captured[0].code == "captured"


async def test_a_won_dispute_moves_the_expiry_by_the_suspended_days(till: Till) -> None:
    """S10.6."""
    await till.sells(expiry_days=30)
    bought = await till.buys()
    before = await _expiry(till)
    await till.disputed(bought, "opened")
    await till.moves_to("2026-04-20T12:00:00")
    await till.expires()
    await till.disputed(bought, "won")
    assert await till.balance() == (10, 0, 0, 0)
    assert (await _expiry(till) - before).days == 49
    assert (await till.uses(1)).code == "deducted"


async def test_a_lost_dispute_is_a_full_refund_in_the_same_tally(till: Till) -> None:
    """S10.6: dispute and refund never claw twice."""
    await till.sells()
    bought = await till.buys()
    await till.uses(7)
    await till.refunds(bought, 1980)
    await till.disputed(bought, "opened")
    said = await till.disputed(bought, "lost")
    assert (said["credits_revoked"], said["credits_owed"]) == (10, 7)
    assert await till.balance() == (0, 0, 0, 7)
    after = await till.refunds(bought, 7920)
    assert (after["credits_revoked_now"], await till.balance()) == (0, (0, 0, 0, 7))


async def test_after_a_won_dispute_a_refund_of_half_revokes_exactly_half(till: Till) -> None:
    """S10.6, T."""
    await till.sells()
    bought = await till.buys()
    await till.disputed(bought, "opened")
    await till.disputed(bought, "won")
    assert (await till.refunds(bought, 4950))["credits_revoked"] == 5
    assert await till.balance() == (5, 0, 0, 0)


async def test_credits_kept_by_the_rule_come_back_when_a_dispute_is_lost(till: Till) -> None:
    """S10.2: money back, credits kept."""
    await till.sells(refund={"revoke": "none"})
    bought = await till.buys()
    await till.disputed(bought, "opened")
    await till.disputed(bought, "lost")
    assert await till.balance() == (10, 0, 0, 0)


async def test_what_is_given_back_during_a_dispute_is_suspended_too(till: Till) -> None:
    """S10.6, S4.5."""
    await till.sells()
    bought = await till.buys()
    await till.uses(2, external_ref="class")
    await till.disputed(bought, "opened")
    assert (await till.restores(2, external_ref="class")).answer["balance_after"] == 0
    assert await till.balance() == (0, 0, 10, 0)
    await till.disputed(bought, "won")
    assert await till.balance() == (10, 0, 0, 0)


async def test_two_disputes_of_a_payment_suspend_until_both_are_decided(till: Till) -> None:
    await till.sells()
    bought = await till.buys()
    await till.books("class")
    for ref in ("dp_1", "dp_2"):
        await till.disputed(bought, "opened", external_dispute_id=ref)
    await till.disputed(bought, "won", external_dispute_id="dp_1")
    assert await till.balance() == (0, 0, 10, 0)
    await till.disputed(bought, "won", external_dispute_id="dp_2")
    assert await till.balance() == (9, 1, 0, 0)


async def _released(till: Till) -> int:
    return (await dispute_grace.release_due(till.db, till.location, limit=100)).count


async def test_after_the_days_of_grace_the_bookings_are_cancelled(till: Till) -> None:
    """S10.6: kept as unfunded for the grace time, then cancelled with notice, once."""
    await till.sells(refund={"dispute_hold_days": 3})
    bought = await till.buys()
    await till.books("before", days=2)
    await till.books("after", days=9)
    await till.disputed(bought, "opened")
    await till.moves_to("2026-03-06T04:00:00")  # an hour before the fourth midnight in New York
    assert await _released(till) == 0
    await till.moves_to("2026-03-06T05:00:00")
    assert (await _released(till), await _released(till)) == (1, 0)

    assert await till.booking("before") == "unfunded"
    assert await till.booking("after") == "cancelled"
    told = await till.db.fetch(
        "select h.type from kotally.happenings h where h.location_id = $1 order by h.id",
        till.location,
    )
    assert [row["type"] for row in told].count("booking_cancelled") == 1
    assert await till.balance() == (0, 0, 10, 0)
    await till.disputed(bought, "won")
    assert await till.booking("after") == "cancelled"
    assert await till.booking("before") == "booked"
    assert await till.balance() == (9, 1, 0, 0)


async def test_who_is_busy_when_the_days_of_grace_end_is_for_the_next_look(till: Till) -> None:
    """S10.6: what was not done is not counted as done, or a worker would look for ever."""
    await till.sells(refund={"dispute_hold_days": 3})
    bought = await till.buys()
    await till.books("after", days=9)
    await till.disputed(bought, "opened")
    await till.moves_to("2026-03-06T05:00:00")

    async with till.owner.transaction() as tx:
        await tx.execute(
            "select from kotally.balances b where b.location_id = $1 for update", till.location
        )
        assert await _released(till) == 0
    assert (await _released(till), await till.booking("after")) == (1, "cancelled")


async def test_a_booking_that_found_other_funds_is_kept(till: Till) -> None:
    """S10.6: and one whose dispute was decided in time."""
    await till.sells()
    for ref in ("paid", "won"):
        till = till.of(ref)
        bought = await till.buys()
        await till.books(ref, days=20)
        await till.disputed(bought, "opened")
        if ref == "paid":
            await till.buys()
        else:
            await till.disputed(bought, "won")
    await till.moves_to("2026-03-15T05:00:00")
    await _released(till)

    assert [await till.booking(ref) for ref in ("paid", "won")] == ["booked", "booked"]


async def test_the_first_decision_stands_and_repeats_change_nothing(till: Till) -> None:
    await till.sells()
    bought = await till.buys()
    assert (await till.disputed(bought, "won"))["changed"] is True
    for event in ("opened", "won", "lost", "opened"):
        said = await till.disputed(bought, event)
        assert (said["dispute_status"], said["changed"]) == ("won", False)
    assert await till.balance() == (10, 0, 0, 0)


async def test_all_orders_of_refunds_a_dispute_and_its_win_end_the_same(till: Till) -> None:
    """S10, features 220/4: refund 30 %, dispute, win, refund 20 %, in each order."""
    await till.sells()
    orders = list(permutations(EVENTS))
    ends = [await _ended(till.of(f"c{number}"), order) for number, order in enumerate(orders)]
    assert {order for order, end in zip(orders, ends, strict=True) if end != ends[0]} == set()
    assert ends[0]["tally"] == (5, 0, 4950)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    order=st.permutations(EVENTS),
    again=st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 8)), max_size=6),
)
async def test_duplicates_of_refunds_and_disputes_change_nothing(
    till: Till, order: list[str], again: list[tuple[str, int]]
) -> None:
    """S10.2: in every order, told again anywhere."""
    if not await till.db.fetchval(
        "select exists (select from kotally.products p where p.location_id = $1)", till.location
    ):
        await till.sells()
    told = list(order)
    for event, place in again:
        told.insert(place, event)
    plain = await _ended(till.of(make.name("c")), EVENTS)
    assert await _ended(till.of(make.name("c")), told) == plain


async def _ended(till: Till, order: Any) -> dict[str, Any]:
    """Play events on a half-used pack with three bookings, and say how all ends."""
    bought = await till.buys(payment=None)
    await till.uses(3)
    for days, units in ((1, 1), (5, 2), (9, 2)):
        assert (await till.books(f"{till.contact}-{days}", days=days, units=units)).code == "booked"
    for event in order:
        await _play(till, bought, event)
    row = await till.db.fetchrow(
        "select credits_revoked, credits_uncollected, refunded_cents from kotally.payments p"
        " where p.location_id = $1 and p.id = $2",
        till.location,
        UUID(bought["payment_id"]),
    )
    return {
        "lots": await till.lots(),
        "balance": await till.balance(),
        "tally": tuple(row or ()),
        "bookings": [await till.booking(f"{till.contact}-{days}") for days in (1, 5, 9)],
    }


async def _play(till: Till, bought: Said, event: str) -> None:
    if event.startswith("refund"):
        cents = 99 * int(event.split()[1])
        await till.refunds(bought, cents, external_refund_id=event)
    else:
        await till.disputed(bought, event)


async def _expiry(till: Till) -> Any:
    return await till.db.fetchval(
        "select expires_at from kotally.lots l where l.location_id = $1", till.location
    )
