"""Credits that others may use (S12.4)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from kotally.bookings import (
    corrections,
    overdue,
    placing,
    rescheduling,
    settling,
    waitlist,
    wishes,
)
from kotally.bookings.company import Company
from tests import make
from tests.payments.sharers import books, ends, family, shares, unshares, uses
from tests.payments.till import NOON, Said, Till


async def test_a_use_records_owner_beneficiary_and_who_booked(till: Till) -> None:
    """S12.4."""
    await family(till)
    bob = await till.of("bob").contact_id()
    assert (await uses(till, "bob")).code == "NO_ENTITLEMENT"
    assert (await shares(till, "bob")).code == "shared"
    used = await uses(till, "bob", amount=2, booked_by="grandma")
    assert (used.code, used["beneficiary_id"], used["balance_after"]) == ("used", str(bob), 8)
    row = await till.db.fetchrow(
        "select owner_id, beneficiary_id, booked_by from kotally.shared_uses u"
        " where u.location_id = $1",
        till.location,
    )
    assert tuple(row or ()) == (await till.contact_id(), bob, "grandma")
    posted = await till.db.fetchval(
        "select p.metadata from kotally.postings p where p.location_id = $1 and p.kind = 'deduct'",
        till.location,
    )
    told = {"beneficiary_id": str(bob), "booked_by": "grandma", "is_guest": False}
    assert posted == told


async def test_ones_own_credits_are_used_first(till: Till) -> None:
    """S1.1: candidate lots are the member's own and those of who shares with the member."""
    await family(till)
    await till.of("bob").buys()
    await shares(till, "bob")
    assert (await uses(till, "bob"))["owner_id"] == str(await till.of("bob").contact_id())
    assert await till.balance() == (10, 0, 0, 0)


async def test_a_booking_is_paid_by_whoever_shares(till: Till) -> None:
    """S1.1, S12.4: the owner's booking, for the one who comes."""
    await family(till, "bob")
    booked = await books(till, "bob")
    ana, bob = await till.contact_id(), await till.of("bob").contact_id()
    assert (booked.code, booked["contact_id"]) == ("booked", str(ana))
    assert (booked["beneficiary_id"], booked["booked_by"]) == (str(bob), "staff:ann")
    assert await till.balance() == (9, 1, 0, 0)
    assert (await ends(till, booked, settling.attend)).code == "attended"
    assert await till.balance() == (9, 0, 0, 0)


async def test_a_shared_booking_that_is_told_again_is_known(till: Till) -> None:
    """S15.3: by its reference, whoever's credits pay and whoever asks."""
    await family(till, "bob")
    first = await books(till, "bob", ref="one")
    for again in (await books(till, "bob", ref="one"), await books(till, "ana", ref="one")):
        assert (again.code, again["booking_id"]) == ("DUPLICATE_EVENT", first["booking_id"])
    await ends(till, first, settling.cancel)
    assert (await books(till, "bob", ref="one")).code == "booked"
    assert await till.balance() == (9, 1, 0, 0)


async def test_a_use_is_previewed(till: Till) -> None:
    await family(till, "bob")
    shown = await uses(till, "bob", preview=True)
    assert (shown.code, shown["balance_after"]) == ("used", 9)
    assert await till.balance() == (10, 0, 0, 0)


async def test_removing_a_sharer_leaves_made_bookings(till: Till) -> None:
    """S12.4."""
    await family(till, "bob")
    booked = await books(till, "bob")
    held = await uses(till, "bob", is_hold=True)
    assert (await unshares(till, "bob")).code == "unshared"
    assert (await uses(till, "bob")).code == "NO_ENTITLEMENT"
    assert (await uses(till, "ana", beneficiary="bob")).code == "NOT_SHARED"
    assert (await books(till, "ana", beneficiary="bob")).code == "NOT_SHARED"
    assert await till.balance() == (8, 2, 0, 0)
    act = make.act("capture", till.contact, hold_id=UUID(held["hold_id"]))
    assert (await make.applied(till.db, till.location, [act]))[0].code == "captured"
    assert (await ends(till, booked, settling.attend)).code == "attended"
    assert await till.balance() == (8, 0, 0, 0)
    assert (await unshares(till, "bob")).code == "NOT_SHARED"


async def test_a_removed_sharers_booking_that_waits_for_credits_is_still_paid(till: Till) -> None:
    """S12.4: removing a sharer leaves made bookings intact."""
    await family(till, "bob", credits_=1)
    start = NOON + timedelta(days=1)
    await uses(till, "ana")
    wish = wishes.Wish(
        external_contact_id="ana",
        external_ref="waits",
        starts_at=start,
        ends_at=start + timedelta(hours=1),
        allow_unfunded=True,
        company=Company(beneficiary="bob"),
    )
    placed = Said.of(await placing.place(till.db, till.location, wish, key=till.key()))
    assert placed.code == "booked_unfunded"
    await unshares(till, "bob")
    await till.buys()
    assert await till.booking("waits") == "booked"
    assert await till.balance() == (0, 1, 0, 0)
    kept: int = await till.db.fetchval(
        "select count(*) from kotally.shared_uses u where u.location_id = $1", till.location
    )
    assert kept == 1


async def test_only_what_can_be_shared_is(till: Till) -> None:
    """S12.4."""
    await till.sells()
    bought = await till.buys()
    await till.of("bob").contact_id()
    one = await shares(till, "bob", entitlement_id=UUID(bought["entitlement_id"]))
    assert one.code == "NOT_SHAREABLE"
    assert (await shares(till, "bob")).code == "shared"
    assert (await uses(till, "bob")).code == "NO_ENTITLEMENT"


async def test_one_entitlement_alone_can_be_shared(till: Till) -> None:
    """S12.4: of two packs of one product, the other stays the owner's."""
    await till.sells(credits_=1, sharing={"shareable": True})
    first = await till.buys()
    await till.buys()
    await shares(till, "bob", name="Bob", entitlement_id=UUID(first["entitlement_id"]))
    assert (await uses(till, "bob"))["entitlement_id"] == first["entitlement_id"]
    assert (await uses(till, "bob")).code == "INSUFFICIENT_CREDITS"
    assert await till.balance() == (1, 0, 0, 0)


async def test_nobody_shares_with_themselves_or_in_a_circle(till: Till) -> None:
    """S12.4: sharing goes one way."""
    await family(till, "bob")
    assert (await shares(till, "ana")).code == "SHARE_WITH_SELF"
    assert (await shares(till.of("bob"), "ana")).code == "SHARE_CYCLE"
    await shares(till.of("bob"), "cleo", name="Cleo")
    assert (await shares(till.of("cleo"), "ana")).code == "SHARE_CYCLE"
    await unshares(till, "bob")
    assert (await shares(till.of("cleo"), "ana")).code == "shared"


async def test_what_is_shared_is_not_shared_on(till: Till) -> None:
    """S12.4: allowed users are those whom the owner named."""
    await family(till, "bob")
    await shares(till.of("bob"), "cleo", name="Cleo")
    assert (await uses(till, "cleo")).code == "NO_ENTITLEMENT"


async def test_somebody_unknown_is_met_by_name_or_refused(till: Till) -> None:
    await family(till)
    assert (await shares(till, "nobody")).code == "CONTACT_NOT_FOUND"
    assert (await shares(till, "kid", name="Kid")).code == "shared"
    assert (await uses(till, "kid")).code == "used"
    again = await shares(till, "kid")
    assert (again.code, (await shares(till, "kid"))["share_id"]) == ("shared", again["share_id"])


async def test_a_product_is_for_so_many_people(till: Till) -> None:
    """The strictest of what is shared counts, and of more people the first."""
    await family(till, "bob", "cleo", sharing={"max_users": 2})
    third = await shares(till, "dan", name="Dan")
    assert (third.code, third["allowed"], third["users"]) == ("SHARE_LIMIT_REACHED", 2, 2)
    await till.sells("duo", 5, sharing={"shareable": True, "max_users": 1})
    await till.buys("duo")
    only_duo: dict[str, Any] = {"product_config_id": "duo"}
    assert (await uses(till, "bob", **only_duo)).code == "used"
    assert (await uses(till, "cleo", **only_duo)).code != "used"
    await unshares(till, "bob")
    assert (await uses(till, "cleo", **only_duo)).code == "used"


async def test_caps_count_for_each_who_comes(till: Till) -> None:
    """S12.4: caps are per beneficiary."""
    await family(till, "bob", "cleo", unlimited=True, caps=[{"count": 1, "window": "day"}])
    for contact in ("bob", "cleo", "ana"):
        assert (await books(till, contact)).code == "booked", contact
        assert (await books(till, contact)).code == "CAP_REACHED", contact
    assert (await books(till, "bob", days=2)).code == "booked"


async def test_what_may_be_open_at_once_counts_for_each_who_comes(till: Till) -> None:
    """S3.5, S12.4."""
    await family(till, "bob", attendance={"max_open_bookings": 1})
    for contact in ("bob", "ana"):
        assert (await books(till, contact)).code == "booked", contact
        assert (await books(till, contact, days=2)).code == "TOO_MANY_OPEN_BOOKINGS", contact


async def test_penalties_are_of_who_did_not_come(till: Till) -> None:
    """S5.4, S12.4: the strike, the fee and the block are the beneficiary's."""
    rules = {
        "no_show_fee_cents": 500,
        "penalty": {"threshold": 1, "action": "block", "block_days": 7},
    }
    await family(till, "bob", "cleo", attendance=rules)
    booked = await books(till, "bob")
    await till.moves_to(NOON + timedelta(days=2))
    missed = await ends(till, booked, settling.no_show, at_once=True)
    assert (missed.code, missed["penalty"]) == ("no_show", "block")
    bob = await till.of("bob").contact_id()
    for table in ("strikes", "fees", "penalties", "blockers"):
        owners = await till.db.fetch(
            f"select contact_id from kotally.{table} t where t.location_id = $1",
            till.location,
        )
        assert [row["contact_id"] for row in owners] == [bob], table
    assert (await books(till, "bob", days=4)).code == "BOOKING_BLOCKED"
    assert (await uses(till, "bob")).code == "BOOKING_BLOCKED"
    assert (await books(till, "ana", days=4)).code == "booked"
    assert (await books(till, "cleo", days=4)).code == "booked"


async def test_what_was_wrong_about_a_child_is_put_right_with_the_child(till: Till) -> None:
    """S5.7, S12.4: credit, fee, strike and block together, each with whom it belongs to."""
    rules = {"no_show_fee_cents": 500, "penalty": {"threshold": 1, "action": "block"}}
    await family(till, "bob", attendance=rules)
    booked = await books(till, "bob")
    await till.moves_to(NOON + timedelta(days=2))
    await ends(till, booked, settling.no_show, at_once=True)
    right = await ends(till, booked, corrections.correct, to="waived", note="He was ill.")
    assert (right["strikes_reversed"], len(right["fees_waived"])) == (1, 1)
    assert await till.balance() == (10, 0, 0, 0)
    assert (await books(till, "bob", days=4)).code == "booked"


async def test_an_absence_counts_for_a_child_before_the_worker_comes(till: Till) -> None:
    """S2.4, S12.4: whoever asks about the one who comes has what is due done first."""
    rules = {"auto_close_as": "no_show", "penalty": {"threshold": 1, "action": "block"}}
    await family(till, "bob", attendance=rules)
    await books(till, "bob")
    await till.moves_to(NOON + timedelta(days=3))
    bob = str(await till.of("bob").contact_id())
    assert str(await overdue.behind(till.db, till.location, "bob")) == bob
    await overdue.bring_up_to_date(till.db, till.location, "bob")
    assert await overdue.behind(till.db, till.location, "bob") is None
    assert (await books(till, "bob", days=5)).code == "BOOKING_BLOCKED"


async def test_a_moved_booking_is_still_for_who_comes(till: Till) -> None:
    """S4.6, S12.4: the move counts once, for the one who comes."""
    await family(till, "bob", unlimited=True, caps=[{"count": 1, "window": "day"}])
    booked = await books(till, "bob")
    await books(till, "ana", days=2)
    to = NOON + timedelta(days=2)
    move = rescheduling.Move(starts_at=to, ends_at=to + timedelta(hours=1))
    moved = await ends(till, booked, rescheduling.reschedule, move=move)
    assert (moved.code, moved["beneficiary_id"]) == ("rescheduled", booked["beneficiary_id"])
    assert (await books(till, "bob", days=2)).code == "CAP_REACHED"
    assert (await books(till, "bob")).code == "booked"


async def test_the_last_place_of_a_family_goes_to_one_of_two(till: Till) -> None:
    """S12.4: two are named at once where one is allowed."""
    await family(till, sharing={"max_users": 1})
    said = await asyncio.gather(*(shares(till, each, name=each) for each in ("bob", "cleo")))
    assert sorted(each.code for each in said) == ["SHARE_LIMIT_REACHED", "shared"]


async def test_an_owners_penalty_is_not_the_familys(till: Till) -> None:
    """S12.4: penalties are per beneficiary, so the owner's block keeps only the owner away."""
    await family(till, "bob", attendance={"penalty": {"threshold": 1, "action": "block"}})
    booked = await books(till, "ana")
    await till.moves_to(NOON + timedelta(days=2))
    await ends(till, booked, settling.no_show, at_once=True)
    assert (await books(till, "ana", days=4)).code == "BOOKING_BLOCKED"
    assert (await books(till, "bob", days=4)).code == "booked"


async def test_the_last_credit_goes_to_one_of_two(till: Till) -> None:
    """S12.4: two beneficiaries want the owner's last credit at once."""
    await family(till, "bob", "cleo", credits_=1)
    for _ in range(10):
        said = await asyncio.gather(*(books(till, each) for each in ("bob", "cleo")))
        assert sorted(each.code for each in said) == ["INSUFFICIENT_CREDITS", "booked"]
        booked = next(each for each in said if each.code == "booked")
        await ends(till, booked, settling.cancel)
    said = await asyncio.gather(*(uses(till, each) for each in ("bob", "cleo")))
    assert sorted(each.code for each in said) == ["INSUFFICIENT_CREDITS", "used"]


async def test_who_waits_for_a_place_waits_no_more_when_the_share_ends(till: Till) -> None:
    """S12.4: a place that is not taken yet is no booking that stays."""
    await family(till, "bob", "cleo")
    start = NOON + timedelta(days=1)
    for contact in ("bob", "cleo"):
        wish = wishes.Wish(
            external_contact_id=contact,
            external_ref=contact,
            class_ref="yoga",
            starts_at=start,
            ends_at=start + timedelta(hours=1),
            waitlist=True,
        )
        said = Said.of(await placing.place(till.db, till.location, wish, key=till.key()))
        assert (said.code, said["contact_id"]) == ("waitlisted", str(await till.contact_id()))
    await unshares(till, "bob")
    said = Said.of(await waitlist.promote(till.db, till.location, "yoga", key=till.key()))
    assert [each["external_ref"] for each in said["promoted"]] == ["cleo"]
    assert [(each["external_ref"], each["why"]) for each in said["skipped"]] == [
        ("bob", "NOT_SHARED")
    ]
