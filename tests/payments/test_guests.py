"""Guests, and lots that staff named (S1.6, S12.5)."""

from __future__ import annotations

import asyncio

from kotally.bookings import (
    settling,
)
from kotally.bookings.meeting import Somebody
from tests.payments.sharers import books, brings, ends, lots_of, uses
from tests.payments.till import Till


async def test_a_guest_whom_two_bring_at_once_comes_once(till: Till) -> None:
    """S12.5: the guest's visits count whoever brings the guest."""
    await till.sells("pass", 5, sharing={"guests": True, "visits_per_guest": 1})
    for owner in ("ana", "bob"):
        await till.of(owner).buys("pass")
    await till.of("gus").contact_id()
    said = await asyncio.gather(
        *(brings(till.of(owner), reference="gus") for owner in ("ana", "bob") for _ in range(3))
    )
    assert sorted(each.code for each in said) == ["GUEST_VISITS_USED"] * 5 + ["guest_brought"]


async def test_a_guest_pass_brings_each_guest_so_often(till: Till) -> None:
    """S12.5: visits_per_guest; a guest is known again by id, by e-mail and by phone."""
    await till.sells("pass", 5, sharing={"guests": True, "visits_per_guest": 1})
    await till.buys("pass")
    first = await brings(till, name="Gus", email="gus@example.com", phone="+1 555 0100")
    assert first.code == "guest_brought"
    again = await brings(till, email="GUS@example.com")
    assert (again.code, again["allowed"], again["visits"]) == ("GUEST_VISITS_USED", 1, 1)
    other_name = await brings(till, reference="gus_2", name="Gus", phone="+1 555 0100")
    assert other_name.code == "GUEST_VISITS_USED"
    assert (await brings(till, name="Gil", email="gil@example.com")).code == "guest_brought"
    assert await till.balance() == (3, 0, 0, 0)


async def test_a_visit_that_was_given_back_was_none(till: Till) -> None:
    """S12.5."""
    await till.sells("pass", 5, sharing={"guests": True, "visits_per_guest": 1})
    await till.buys("pass")
    gus = Somebody(reference="gus", name="Gus")
    booked = await books(till, "ana", guest=gus)
    assert (booked.code, booked["is_guest"]) == ("booked", True)
    assert (await books(till, "ana", guest=gus, days=2)).code == "GUEST_VISITS_USED"
    await ends(till, booked, settling.cancel)
    assert (await books(till, "ana", guest=gus, days=2)).code == "booked"


async def test_each_guest_comes_on_the_passes_that_are_left(till: Till) -> None:
    """S12.5: of two passes, the one on which the guest came pays no more for that guest."""
    gus = Somebody(reference="gus", name="Gus")
    for product in ("first", "second"):
        await till.sells(product, 5, sharing={"guests": True, "visits_per_guest": 1})
        await till.buys(product)
    paid = [(await books(till, "ana", guest=gus, days=day))["entitlement_id"] for day in (1, 2)]
    assert len(set(paid)) == 2
    assert (await books(till, "ana", guest=gus, days=3)).code == "GUEST_VISITS_USED"


async def test_a_pass_for_new_guests_is_not_for_who_is_known(till: Till) -> None:
    """S12.5: new_guests_only."""
    await till.sells("pass", 9, sharing={"guests": True, "new_guests_only": True})
    await till.buys("pass")
    await till.sells()
    await till.of("bob").buys()
    assert (await brings(till, reference="bob")).code == "GUEST_NOT_NEW"
    assert (await brings(till, reference="gus", name="Gus")).code == "guest_brought"
    assert (await brings(till, reference="gus")).code == "GUEST_NOT_NEW"


async def test_a_guest_of_another_product_is_not_new(till: Till) -> None:
    """S12.5: new_guests_only with so many visits each: the visits are those of one pass."""
    rules = {"guests": True, "new_guests_only": True, "visits_per_guest": 2}
    for product in ("pass", "other"):
        await till.sells(product, 9, sharing=rules)
    await till.buys("pass")
    for says in ("guest_brought", "guest_brought", "GUEST_VISITS_USED"):
        assert (await brings(till, reference="gus", name="Gus")).code == says
    await till.of("bob").buys("other")
    assert (await brings(till.of("bob"), reference="gus")).code == "GUEST_NOT_NEW"


async def test_ones_own_credits_are_for_guests_only_if_the_plan_says_so(till: Till) -> None:
    """S12.5."""
    await till.sells()
    await till.buys()
    assert (await brings(till, reference="gus", name="Gus")).code == "GUESTS_NOT_ALLOWED"
    await till.sells("open", 1, sharing={"guests": True})
    await till.buys("open")
    assert (await brings(till, reference="gus", name="Gus")).code == "guest_brought"
    assert (await brings(till, reference="gus", name="Gus")).code == "INSUFFICIENT_CREDITS"
    assert await till.balance() == (10, 0, 0, 0)


async def test_a_guest_comes_on_an_unlimited_plan_within_its_caps(till: Till) -> None:
    """S3.3, S12.5: one guest a day, beside the member."""
    await till.sells(
        "open", unlimited=True, caps=[{"count": 1, "window": "day"}], sharing={"guests": True}
    )
    await till.buys("open")
    gus = Somebody(reference="gus", name="Gus")
    assert (await books(till, "ana")).code == "booked"
    booked = await books(till, "ana", guest=gus)
    assert (booked.code, booked["credits"], booked["is_guest"]) == ("booked", 0, True)
    assert (await books(till, "ana", guest=gus)).code == "CAP_REACHED"


async def test_nobody_is_their_own_guest(till: Till) -> None:
    """S12.5: a guest is recognised."""
    await till.sells("pass", 5, sharing={"guests": True})
    await till.buys("pass", email="ana@example.com")
    assert (await brings(till, reference="ana")).code == "GUEST_IS_OWNER"
    other = await brings(till, reference="ana_2", email="Ana@example.com")
    assert other.code == "GUEST_IS_OWNER"


async def test_staff_names_the_lots_of_one_booking(till: Till) -> None:
    """S1.6: without a change to the stored priorities, and even where an unlimited plan pays."""
    await till.sells(credits_=2)
    for _ in range(3):
        await till.buys()
    first, _, third = await lots_of(till)
    booked = await books(till, "ana", lots=[third, first], lots_reason="She asked for it.")
    assert booked["funding"][0]["lot_id"] == str(third)
    used = await uses(till, "ana", amount=3, lots=[third, first], lots_reason="Asked for.")
    assert [(each["lot_id"], each["amount"]) for each in used["slices"]] == [
        (str(third), 1),
        (str(first), 2),
    ]
    assert used["balance_after"] == 2
    short = await uses(till, "ana", lots=[first], lots_reason="Asked for.")
    assert short.code == "LOT_NOT_USABLE"
    assert (await uses(till, "ana"))["balance_after"] == 1


async def test_named_lots_that_hold_too_little_are_refused(till: Till) -> None:
    """S1.5, S1.6: nothing is taken from others, and nothing is owed."""
    await till.sells(credits_=2, arrears={"advance_max": 5})
    await till.buys()
    await till.buys()
    lots = await lots_of(till)
    short = await uses(till, "ana", amount=3, lots=lots[:1], lots_reason="Asked for.")
    assert (short.code, short["short_by"]) == ("INSUFFICIENT_CREDITS", 1)
    assert await till.balance() == (4, 0, 0, 0)


async def test_the_lots_of_somebody_else_cannot_be_named(till: Till) -> None:
    """S1.6."""
    await till.sells()
    await till.buys()
    await till.of("bob").buys()
    theirs = await lots_of(till.of("bob"))
    assert (await uses(till, "ana", lots=theirs, lots_reason="?")).code == "LOT_NOT_USABLE"
