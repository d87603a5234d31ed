"""Stories of money that goes back: refunds, debts, disputes, corrections and gifts."""

from __future__ import annotations

import pytest

from tests.stories.cast import Member, Studio


@pytest.fixture
async def mia(studio: Studio) -> Member:
    """Meet Mia in a studio that sells ten classes for 99.00."""
    await studio.sells("ten", 10, expiry_days=90)
    return studio.member("mia")


async def test_a_half_used_pack_is_refunded_and_the_next_one_pays_the_debt(mia: Member) -> None:
    """
    Seven of ten are used when all the money goes back: three are taken, seven are owed.

    S10: the pack she buys in March settles the seven first, and the answer says so.
    """
    paid = await mia.buys("ten")
    await mia.uses("cal_yoga", 7)
    await mia.has(available=3)

    seen = await mia.payment("refund", paid["payment_id"], says="refunded", preview=True)
    await mia.has(available=3)
    done = await mia.payment("refund", paid["payment_id"], says="refunded")
    assert (seen["credits_revoked_now"], seen["credits_owed"]) == (10, 7)
    assert (done["credits_revoked_now"], done["credits_owed"]) == (10, 7)
    await mia.has(owed=7)
    await mia.cannot_book("cal_yoga", on="2026-01-06 18:00", because="INSUFFICIENT_CREDITS")

    await mia.studio.clock.moves_to("2026-03-02 09:00")
    again = await mia.buys("ten")
    assert (again["credits_granted"], again["balance_after"]) == (10, 3)
    await mia.has(available=3)


async def test_a_refund_in_three_parts_takes_three_three_and_four(mia: Member) -> None:
    """Each part takes what the whole so far asks for; the bank telling twice changes nothing."""
    paid = await mia.buys("ten")
    taken = []
    for number in (1, 2, 3):
        for _ in range(2):
            done = await mia.payment(
                "refund",
                paid["payment_id"],
                says="refunded",
                refunded_total_cents=3_300 * number,
            )
            taken.append(done["credits_revoked_now"])

    assert taken == [3, 0, 3, 0, 4, 0]
    await mia.has()


async def test_a_dispute_is_won(mia: Member) -> None:
    """
    Mia's bank asks back; her credits and her place wait, and come back with the days they missed.
    """
    clock = mia.studio.clock
    paid = await mia.buys("ten")
    place = await mia.books("cal_yoga", on="2026-01-20 18:00")
    assert await mia.expires("ten") == "2026-04-06 00:00"

    await clock.moves_to("2026-01-08 09:00")
    await mia.payment("dispute", paid["payment_id"], says="dispute_opened", event="opened")
    await mia.has(available=0, held=0)
    assert await place.status() == "unfunded"
    await mia.cannot_book("cal_yoga", on="2026-01-21 18:00", because="NO_ENTITLEMENT")

    await clock.moves_to("2026-01-14 09:00")
    await mia.payment("dispute", paid["payment_id"], says="dispute_won", event="won")
    await mia.has(available=9, held=1)
    assert await place.status() == "booked"
    assert await mia.expires("ten") == "2026-04-12 00:00"

    done = await mia.payment("refund", paid["payment_id"], says="refunded", amount_cents=4_950)
    assert done["credits_revoked_now"] == 5
    await mia.has(available=4, held=1)


async def test_a_dispute_is_lost(mia: Member) -> None:
    """Two were used, so two are owed; the refund that comes with it takes nothing twice."""
    paid = await mia.buys("ten")
    await mia.uses("cal_yoga", 2)
    await mia.payment("dispute", paid["payment_id"], says="dispute_opened", event="opened")
    await mia.payment("dispute", paid["payment_id"], says="dispute_lost", event="lost")
    await mia.has(owed=2)

    again = await mia.payment(
        "refund", paid["payment_id"], says="refunded", refunded_total_cents=9_900
    )
    assert again["credits_revoked_now"] == 0
    await mia.has(owed=2)
    assert (await mia.entitlement("ten"))["status"] == "revoked"


async def test_a_gift_to_a_friend_and_its_return(mia: Member) -> None:
    """Mia gives Noah three classes; he uses none, so a day later she may have them back (S12.3)."""
    noah = mia.studio.member("noah")
    await mia.buys("ten")
    await noah.buys("ten")
    given = await mia.studio.does(
        "/transfers",
        says="transferred",
        from_contact_id="mia",
        to_contact_id="noah",
        amount=3,
        note="Happy birthday.",
    )
    await mia.has(available=7)
    await noah.has(available=13)

    await mia.studio.clock.moves_to("2026-01-06 08:00")
    await mia.studio.does(f"/transfers/{given['transfer_id']}/undo")
    await mia.has(available=10)
    await noah.has(available=10)


async def test_goodwill_for_a_bad_day_expires(mia: Member) -> None:
    """The heating failed; Mia gets one class for the trouble, good for ninety days (S12.1)."""
    await mia.buys("ten")
    await mia.studio.does(
        "/adjustments",
        external_contact_id="mia",
        amount=1,
        reason="goodwill",
        note="The heating failed.",
    )
    await mia.has(available=11)

    await mia.studio.clock.moves_to("2026-04-10 09:00")
    await mia.has()
