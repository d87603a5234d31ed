"""Stories of packs: bought, used up or not, shared, and put aside at a checkout."""

from __future__ import annotations

from tests.stories.cast import Studio
from tests.stories.conftest import Opens


async def test_a_pack_is_bought_used_and_expires(studio: Studio) -> None:
    """Mia's ten classes are good for thirty days; what she does not use is gone after them."""
    await studio.sells("ten", 10, expiry_days=30, coverage={"cal_yoga": 1, "cal_reformer": 2})
    mia, clock = studio.member("mia"), studio.clock

    await mia.buys("ten")
    await mia.has(available=10)
    assert await mia.expires("ten") == "2026-02-05 00:00"

    yoga = await mia.books("cal_yoga", on="2026-01-06 18:00")
    reformer = await mia.books("cal_reformer", on="2026-01-08 18:00")
    await mia.has(available=7, held=3)

    await clock.moves_to("2026-01-06 19:00")
    await yoga.is_attended()
    await reformer.is_cancelled()
    await mia.has(available=9)

    await mia.cannot_book("cal_yoga", on="2026-02-05 09:00", because="NO_ENTITLEMENT")
    last = await mia.books("cal_yoga", on="2026-02-04 20:00")

    await clock.moves_to("2026-02-05 00:00")
    await mia.has(held=1)
    await last.is_attended()
    await mia.has()
    assert (await mia.entitlement("ten"))["status"] == "expired"


async def test_a_class_nobody_reports_on_settles_by_itself(studio: Studio) -> None:
    """A day after the class the booking counts as attended; the teacher forgot to say so."""
    await studio.sells("ten", 10)
    mia, clock = studio.member("mia"), studio.clock
    await mia.buys("ten")
    booking = await mia.books("cal_yoga", on="2026-01-06 18:00")

    await clock.moves_to("2026-01-07 18:59")
    await mia.has(available=9, held=1)
    await clock.moves_to("2026-01-07 19:01")

    await mia.has(available=9)
    assert await booking.status() == "attended"


async def test_a_basket_left_at_the_checkout_gives_its_credits_back(studio: Studio) -> None:
    """A hold of ten minutes is over after ten minutes, whoever forgets it."""
    await studio.sells("five", 5)
    mia, clock = studio.member("mia"), studio.clock
    await mia.buys("five")

    await mia.reserves("cal_yoga", 4, seconds=600)
    await mia.has(available=1, held=4)
    await mia.cannot_book(
        "cal_yoga", on="2026-01-06 18:00", amount=2, because="INSUFFICIENT_CREDITS"
    )

    await clock.moves_to("2026-01-05 09:10")
    await mia.has(available=5)
    await mia.books("cal_yoga", on="2026-01-06 18:00", amount=2)


async def test_an_intro_offer_is_for_once(studio: Studio) -> None:
    """Mia tries to buy the first week twice; Noah, who is no new member, cannot at all."""
    await studio.sells(
        "intro", 3, expiry_days=7, intro={"max_per_contact": 1, "new_members_only": True}
    )
    await studio.sells("ten", 10)
    mia, noah = studio.member("mia"), studio.member("noah")

    await mia.buys("intro", cents=1_000)
    await mia.has(available=3)
    await mia.buys("intro", cents=1_000, says="PURCHASE_LIMIT_REACHED")
    await mia.has(available=3)

    await noah.buys("ten")
    await noah.buys("intro", cents=1_000, says="PURCHASE_LIMIT_REACHED")
    await noah.has(available=10)


async def test_the_same_payment_told_five_times_is_one_pack(studio: Studio) -> None:
    """The shop, the automation and the bank all tell us; Mia gets ten classes, not fifty."""
    await studio.sells("ten", 10)
    mia = studio.member("mia")

    await mia.buys("ten", external_payment_id="pi_1")
    for _ in range(4):
        await mia.buys("ten", external_payment_id="pi_1", says="DUPLICATE_EVENT")

    await mia.has(available=10)


async def test_a_pack_across_the_night_the_clocks_change(opens: Opens) -> None:
    """A pack of thirty days bought on 10 February is good to the end of 12 March, local time."""
    studio = await opens(on="2026-02-10 15:00")
    await studio.sells("ten", 10, expiry_days=30, cancel_window_minutes=720)
    mia = studio.member("mia")
    await mia.buys("ten")
    assert await mia.expires("ten") == "2026-03-13 00:00"

    # Twelve hours before eight in the morning is seven in the evening, for one of them is missing.
    spring = await mia.books("cal_yoga", on="2026-03-08 08:00")
    assert studio.local(spring["cancel_free_until"]) == "2026-03-07 19:00"
    await studio.clock.moves_to("2026-03-07 19:00")
    await spring.is_cancelled()
    await mia.has(available=10)


async def test_the_studio_is_closed_for_a_week(studio: Studio) -> None:
    """The boiler breaks; every pack lives seven days longer, and it was a mistake for one day."""
    await studio.sells("ten", 10, expiry_days=30)
    mia = studio.member("mia")
    await mia.buys("ten")
    week = {"starts_on": "2026-01-12", "reopens_on": "2026-01-19", "note": "The boiler is broken."}

    await studio.does("/closures", says="closure_applied", preview=True, **week)
    assert await mia.expires("ten") == "2026-02-05 00:00"
    closed = await studio.does("/closures", says="closure_applied", **week)
    assert await mia.expires("ten") == "2026-02-12 00:00"

    await studio.does(f"/closures/{closed['closure_id']}/undo", says="closure_undone")
    assert await mia.expires("ten") == "2026-02-05 00:00"


async def test_a_story_is_told_in_the_timeline(studio: Studio) -> None:
    """What the member sees is what was done: paid, booked, missed, and the fee for it."""
    await studio.sells("ten", 10, attendance={"no_show_fee_cents": 1_000})
    mia, clock = studio.member("mia"), studio.clock
    await mia.buys("ten")
    booking = await mia.books("cal_yoga", on="2026-01-06 18:00")
    await clock.moves_to("2026-01-06 19:30")
    await booking.is_missed()

    told = [each["type"] for each in await mia.sees("/timeline?limit=100")]

    for type_ in ("payment", "booking", "booking_booked", "booking_no_show", "fee_due"):
        assert type_ in told, told
