"""Refunds: one tally per payment (S10.1 to S10.5)."""

from __future__ import annotations

from datetime import timedelta

from tests import make
from tests.payments.till import NOON, Till


async def test_three_refunds_of_33_of_99_revoke_3_3_and_4_of_10(till: Till) -> None:
    """S10.2, T."""
    await till.sells()
    bought = await till.buys()
    revoked = [(await till.refunds(bought, 3300))["credits_revoked_now"] for _ in range(3)]
    assert revoked == [3, 3, 4]
    assert await till.balance() == (0, 0, 0, 0)


async def test_a_full_refund_of_a_used_pack_is_a_debt_that_the_next_grant_pays(till: Till) -> None:
    """S10.4, S11.5, T."""
    await till.sells()
    bought = await till.buys()
    await till.uses(7)
    refunded = await till.refunds(bought, 9900)
    assert (refunded["taken"]["available"], refunded["credits_owed"]) == (3, 7)
    assert await till.balance() == (0, 0, 0, 7)
    again = await till.buys()
    assert again["credits_paid_back"] == 7
    assert again["notice"] == "7 of your 10 credits paid back earlier classes."
    assert again["balance_after"] == 3
    assert await till.balance() == (3, 0, 0, 0)


async def test_expired_credits_are_revoked_before_used_ones(till: Till) -> None:
    """S10.3, T: 10 credits, 6 used, 4 expired, refund 50 % revokes the expired; shortfall 1."""
    await till.sells(expiry_days=30)
    bought = await till.buys()
    await till.uses(6)
    await till.moves_to("2026-06-01T12:00:00")
    await till.expires()
    refunded = await till.refunds(bought, 4950)
    assert (refunded["taken"]["expired"], refunded["shortfall"]) == (4, 1)
    assert (await till.lots())[0] == {
        "issued": 10,
        "consumed": 5,
        "revoked": 5,
        "class": "paid",
    }


async def test_a_repeated_or_older_cumulative_figure_changes_nothing(till: Till) -> None:
    """S10.2."""
    await till.sells()
    bought = await till.buys()
    for total, revoked in ((5000, 5), (5000, 0), (3000, 0), (9900, 5)):
        said = await till.refunds(bought, refunded_total_cents=total)
        assert (said.code, said["credits_revoked_now"]) == ("refunded", revoked)


async def test_a_refund_counts_once_for_its_own_id(till: Till) -> None:
    """S10.2."""
    await till.sells()
    bought = await till.buys()
    assert (await till.refunds(bought, 3300, external_refund_id="re_1"))["credits_revoked"] == 3
    again = await till.refunds(bought, 3300, external_refund_id="re_1")
    assert (again.code, again["refunded_cents"]) == ("DUPLICATE_EVENT", 3300)


async def test_a_refund_larger_than_the_payment_is_refused_with_what_is_left(till: Till) -> None:
    await till.sells()
    bought = await till.buys()
    await till.refunds(bought, 3300)
    said = await till.refunds(bought, 6601)
    assert (said.code, said["refundable_cents"]) == ("REFUND_EXCEEDS_PAYMENT", 6600)
    unknown = await till.refunds("0199c0de-7a1e-7c3b-9f10-3b5e2d4c6a70", 1)
    assert unknown.code == "PAYMENT_NOT_FOUND"


async def test_other_policies_revoke_everything_nothing_or_what_staff_says(till: Till) -> None:
    """S10.2."""
    await till.sells("all", refund={"revoke": "full_on_any_refund"})
    await till.sells("none", refund={"revoke": "none"})
    await till.sells("staff", refund={"revoke": "manual"})
    every, none, staff = [await till.buys(product) for product in ("all", "none", "staff")]
    assert (await till.refunds(every, 1))["credits_revoked_now"] == 10
    assert (await till.refunds(none, 9900))["credits_revoked_now"] == 0
    assert (await till.refunds(staff, 5000))["credits_revoked_now"] == 0
    assert (await till.refunds(staff, 100, credits=4))["credits_revoked_now"] == 4


async def test_held_credits_go_after_available_ones_latest_appointment_first(till: Till) -> None:
    """S10.3: those bookings stand without funds."""
    await till.sells()
    bought = await till.buys()
    await till.uses(6)
    for ref, days in (("soon", 1), ("late", 9), ("mid", 5)):
        assert (await till.books(ref, days=days)).code == "booked"
    refunded = await till.refunds(bought, 2970)  # 3 of 10: one available, two held
    assert len(refunded["bookings_unfunded"]) == 2
    assert [await till.booking(ref) for ref in ("soon", "mid", "late")] == [
        "booked",
        "unfunded",
        "unfunded",
    ]
    assert await till.balance() == (0, 1, 0, 0)


async def test_a_booking_is_freed_whole_and_the_rest_of_it_stays_available(till: Till) -> None:
    """S10.3."""
    await till.sells()
    bought = await till.buys()
    await till.books("big", units=10)
    await till.refunds(bought, 990)
    assert await till.balance() == (9, 0, 0, 0)
    assert await till.booking("big") == "unfunded"


async def test_the_next_grant_funds_what_a_refund_unfunded(till: Till) -> None:
    await till.sells()
    bought = await till.buys()
    await till.books("class")
    await till.refunds(bought)
    assert await till.booking("class") == "unfunded"
    await till.buys()
    assert await till.booking("class") == "booked"
    assert await till.balance() == (9, 1, 0, 0)


async def test_a_shortfall_is_written_off_if_the_rule_says_so(till: Till) -> None:
    """S10.4."""
    await till.sells(refund={"shortfall": "write_off"})
    bought = await till.buys()
    await till.uses(7)
    refunded = await till.refunds(bought)
    assert (refunded["credits_owed"], refunded["credits_uncollected"]) == (0, 7)
    assert await till.balance() == (0, 0, 0, 0)


async def test_a_shortfall_blocks_until_staff_decides_if_the_rule_says_so(till: Till) -> None:
    """S10.4."""
    await till.sells(refund={"shortfall": "block"})
    bought = await till.buys()
    await till.buys()
    await till.uses(7)
    await till.refunds(bought)
    assert (await till.uses(1)).code == "INSUFFICIENT_CREDITS"
    assert (await till.quotes(bought)).code == "refund_quoted"


async def test_the_staff_lifts_the_block_and_no_other(till: Till) -> None:
    """S10.4, S0: until staff decides; removing one blocker never removes another."""
    await till.sells(refund={"shortfall": "block"})
    bought, other = await till.buys(), await till.buys()
    await till.buys()
    await till.uses(20)
    assert (await till.unblocks(bought)).code == "NOT_BLOCKED"
    await till.refunds(bought)
    await till.refunds(other)
    seen = await till.unblocks(bought, preview=True)
    assert (seen.code, seen["balance_after"]) == ("block_lifted", 0)
    lifted = await till.unblocks(bought)

    assert (lifted["credits_uncollected"], lifted["balance_after"]) == (10, 0)
    assert (await till.unblocks(bought)).code == "NOT_BLOCKED"
    assert (await till.uses(1)).code == "INSUFFICIENT_CREDITS"
    assert (await till.unblocks(other))["balance_after"] == 10
    assert (await till.uses(1)).code == "deducted"


async def test_a_use_of_a_refunded_lot_that_is_given_back_goes_to_the_debt_first(
    till: Till,
) -> None:
    """S4.5: to the revocation, not to the member."""
    await till.sells()
    bought = await till.buys()
    await till.uses(6)
    await till.uses(1, external_ref="class")
    await till.refunds(bought)
    given = await till.restores(1, external_ref="class")
    assert (given.code, given.answer["balance_after"]) == ("restored", 0)
    assert await till.balance() == (0, 0, 0, 6)
    assert (await till.restores(1, external_ref="class")).code == "ALREADY_RESTORED"


async def test_a_use_that_was_paid_back_already_gives_back_the_payment(till: Till) -> None:
    """S4.5: the member had paid for it with another credit, and gets that one again."""
    await till.sells()
    bought = await till.buys()
    await till.uses(3, external_ref="class")
    await till.refunds(bought)
    await till.buys()
    assert await till.balance() == (7, 0, 0, 0)
    given = await till.restores(3, external_ref="class")
    assert given.answer["balance_after"] == 10
    assert await till.balance() == (10, 0, 0, 0)


async def test_a_use_that_was_written_off_goes_to_the_revocation(till: Till) -> None:
    """S4.5."""
    await till.sells(refund={"shortfall": "write_off"})
    bought = await till.buys()
    await till.uses(3, external_ref="class")
    await till.refunds(bought)
    assert (await till.restores(2, external_ref="class")).answer["balance_after"] == 0
    assert (await till.lots())[0] == {
        "issued": 10,
        "consumed": 1,
        "revoked": 9,
        "class": "paid",
    }


async def test_a_use_comes_back_to_the_member_when_the_refund_had_enough(till: Till) -> None:
    await till.sells()
    bought = await till.buys()
    await till.uses(5, external_ref="class")
    await till.refunds(bought, 2970)
    assert (await till.restores(5, external_ref="class")).answer["balance_after"] == 7


async def test_a_quote_shows_each_way_with_what_it_takes_away(till: Till) -> None:
    """S10.5."""
    await till.sells(refund={"drop_in_cents": 1500, "fee_cents": 500})
    bought = await till.buys()
    await till.uses(3)
    await till.books("class", units=7)
    quoted = await till.quotes(bought)
    assert quoted.code == "refund_quoted"
    pro_rata, drop_in = quoted["quotes"]
    assert (pro_rata["amount_cents"], drop_in["amount_cents"]) == (6430, 4900)
    assert (pro_rata["credits_revoked"], drop_in["credits_revoked"]) == (6, 4)
    assert len(pro_rata["bookings_unfunded"]) == 1
    assert await till.balance() == (0, 7, 0, 0)


async def test_a_preview_says_what_the_refund_comes_to(till: Till) -> None:
    await till.sells()
    bought = await till.buys()
    await till.uses(6)
    await till.books("class", units=2)
    shown = await till.refunds(bought, 8000, preview=True)
    assert await till.balance() == (2, 2, 0, 0)
    assert (await till.refunds(bought, 8000)).answer == shown.answer


async def test_the_same_request_gets_the_same_answer_again(till: Till) -> None:
    await till.sells()
    bought = await till.buys()
    key = till.key()
    first = await till.refunds(bought, 3300, key=key)
    again = await till.refunds(bought, 3300, key=key)
    assert (again.replayed, again.answer) == (True, first.answer)
    assert await till.balance() == (7, 0, 0, 0)


async def test_a_refunded_pack_is_over(till: Till) -> None:
    await till.sells()
    bought = await till.buys()
    await till.uses(4)
    await till.refunds(bought)
    reason = await till.db.fetchval(
        "select end_reason from kotally.entitlements e where e.location_id = $1", till.location
    )
    assert reason == "refunded"


async def test_a_lapsed_hold_is_nobodys_when_a_refund_comes(till: Till) -> None:
    await till.sells()
    bought = await till.buys()
    await till.holds(8, args={"ttl_seconds": 60})
    await till.moves_to(NOON + timedelta(minutes=2))
    refunded = await till.refunds(bought, 4950)
    assert (refunded["shortfall"], refunded["holds_released"]) == (0, [])
    assert await till.balance() == (5, 0, 0, 0)


async def test_what_a_lapsed_hold_had_goes_before_what_was_given_away(till: Till) -> None:
    """S2.5, S10.3: it is available of the lot itself, though no sweep has come."""
    await till.sells(sharing={"transferable": True})
    await make.contact(till.owner, till.location, "bob")
    bought = await till.buys()
    await till.holds(8, args={"ttl_seconds": 60})
    await till.gives(1, "bob")
    await till.moves_to(NOON + timedelta(minutes=2))

    refunded = await till.refunds(bought, 1980)

    assert (refunded["taken"]["available"], refunded["shortfall"]) == (2, 0)
    assert (await till.balance(), await till.of("bob").balance()) == ((7, 0, 0, 0), (1, 0, 0, 0))


async def test_a_payment_without_a_figure_is_refunded_as_a_whole(till: Till) -> None:
    await till.sells()
    bought = await till.buys(cents=None)
    await till.uses(4)
    assert (await till.refunds(bought))["credits_revoked"] == 10
    assert await till.balance() == (0, 0, 0, 4)


async def test_what_has_expired_goes_after_what_is_left_though_no_sweep_has_come(
    till: Till,
) -> None:
    """S6.5, S10.3: available first, then expired, which costs the member nothing."""
    await till.sells(expiry_days=10, sharing={"transferable": True})
    bought = await till.buys()
    await till.moves_to("2026-03-20T12:00:00")

    said = await till.refunds(bought, 4950)

    assert said["taken"] == {"available": 0, "suspended": 0, "expired": 5, "forfeited": 0}
    assert [lot.get("expired") for lot in await till.lots()] == [5]
