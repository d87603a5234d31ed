"""Credits that others may use, guests, and lots that staff named (S1.6, S12.4, S12.5)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from kotally.bookings import placing, settling, waitlist, wishes
from kotally.bookings.company import Company
from kotally.bookings.meeting import Somebody
from kotally.payments import sharing, using
from kotally.payments.using import Use
from tests import make
from tests.payments.till import NOON, Said, Till


async def _shares(till: Till, user: str, **fields: Any) -> Said:
    who = Somebody(reference=user, name=fields.pop("name", None))
    return Said.of(
        await sharing.share(
            till.db, till.location, till.contact, user=who, key=till.key(), **fields
        )
    )


async def _unshares(till: Till, user: str, **fields: Any) -> Said:
    return Said.of(
        await sharing.unshare(
            till.db, till.location, till.contact, user=user, key=till.key(), **fields
        )
    )


async def _uses(till: Till, contact: str, *, preview: bool = False, **fields: Any) -> Said:
    names = ("beneficiary", "guest", "booked_by", "lots", "lots_reason")
    company = Company(**{name: fields.pop(name) for name in names if name in fields})
    wanted = Use(contact=contact, company=company, **fields)
    return Said.of(await using.use(till.db, till.location, wanted, key=till.key(), preview=preview))


async def _brings(till: Till, **guest: Any) -> Said:
    return await _uses(till, till.contact, guest=Somebody(**guest))


async def _books(till: Till, contact: str, *, days: int = 1, **company: Any) -> Said:
    start = NOON + timedelta(days=days)
    wish = wishes.Wish(
        external_contact_id=contact,
        external_ref=make.name("booking"),
        starts_at=start,
        ends_at=start + timedelta(hours=1),
        company=Company(**company),
    )
    return Said.of(await placing.place(till.db, till.location, wish, key=till.key()))


async def _ends(till: Till, booking: Said, act: Any, **how: Any) -> Said:
    id_ = UUID(booking["booking_id"])
    return Said.of(await act(till.db, till.location, id_, key=till.key(), **how))


async def _lots(till: Till) -> list[UUID]:
    rows = await till.db.fetch(
        "select l.id from kotally.lots l where l.location_id = $1 and l.contact_id = $2"
        " order by l.issued_at, l.id",
        till.location,
        await till.contact_id(),
    )
    return [row["id"] for row in rows]


async def _family(till: Till, *users: str, **rules: Any) -> Said:
    """Let Ana buy what can be shared, and share all of it."""
    shared = {"shareable": True} | rules.pop("sharing", {})
    await till.sells(credits_=rules.pop("credits_", 10), sharing=shared, **rules)
    bought = await till.buys()
    for user in users:
        assert (await _shares(till, user, name=user.title())).code == "shared"
    return bought


async def test_a_use_records_owner_beneficiary_and_who_booked(till: Till) -> None:
    """S12.4."""
    await _family(till)
    bob = await till.of("bob").contact_id()
    assert (await _uses(till, "bob")).code == "NO_ENTITLEMENT"
    assert (await _shares(till, "bob")).code == "shared"
    used = await _uses(till, "bob", amount=2, booked_by="grandma")
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
    await _family(till)
    await till.of("bob").buys()
    await _shares(till, "bob")
    assert (await _uses(till, "bob"))["owner_id"] == str(await till.of("bob").contact_id())
    assert await till.balance() == (10, 0, 0, 0)


async def test_a_booking_is_paid_by_whoever_shares(till: Till) -> None:
    """S1.1, S12.4: the owner's booking, for the one who comes."""
    await _family(till, "bob")
    booked = await _books(till, "bob")
    ana, bob = await till.contact_id(), await till.of("bob").contact_id()
    assert (booked.code, booked["contact_id"]) == ("booked", str(ana))
    assert (booked["beneficiary_id"], booked["booked_by"]) == (str(bob), "staff:ann")
    assert await till.balance() == (9, 1, 0, 0)
    assert (await _ends(till, booked, settling.attend)).code == "attended"
    assert await till.balance() == (9, 0, 0, 0)


async def test_a_use_is_previewed(till: Till) -> None:
    await _family(till, "bob")
    shown = await _uses(till, "bob", preview=True)
    assert (shown.code, shown["balance_after"]) == ("used", 9)
    assert await till.balance() == (10, 0, 0, 0)


async def test_removing_a_sharer_leaves_made_bookings(till: Till) -> None:
    """S12.4."""
    await _family(till, "bob")
    booked = await _books(till, "bob")
    held = await _uses(till, "bob", is_hold=True)
    assert (await _unshares(till, "bob")).code == "unshared"
    assert (await _uses(till, "bob")).code == "NO_ENTITLEMENT"
    assert (await _uses(till, "ana", beneficiary="bob")).code == "NOT_SHARED"
    assert (await _books(till, "ana", beneficiary="bob")).code == "NOT_SHARED"
    assert await till.balance() == (8, 2, 0, 0)
    act = make.act("capture", till.contact, hold_id=UUID(held["hold_id"]))
    assert (await make.applied(till.db, till.location, [act]))[0].code == "captured"
    assert (await _ends(till, booked, settling.attend)).code == "attended"
    assert await till.balance() == (8, 0, 0, 0)
    assert (await _unshares(till, "bob")).code == "NOT_SHARED"


async def test_a_removed_sharers_booking_that_waits_for_credits_is_still_paid(till: Till) -> None:
    """S12.4: removing a sharer leaves made bookings intact."""
    await _family(till, "bob", credits_=1)
    start = NOON + timedelta(days=1)
    await _uses(till, "ana")
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
    await _unshares(till, "bob")
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
    one = await _shares(till, "bob", entitlement_id=UUID(bought["entitlement_id"]))
    assert one.code == "NOT_SHAREABLE"
    assert (await _shares(till, "bob")).code == "shared"
    assert (await _uses(till, "bob")).code == "NO_ENTITLEMENT"


async def test_one_entitlement_alone_can_be_shared(till: Till) -> None:
    """S12.4: of two packs of one product, the other stays the owner's."""
    await till.sells(credits_=1, sharing={"shareable": True})
    first = await till.buys()
    await till.buys()
    await _shares(till, "bob", name="Bob", entitlement_id=UUID(first["entitlement_id"]))
    assert (await _uses(till, "bob"))["entitlement_id"] == first["entitlement_id"]
    assert (await _uses(till, "bob")).code == "INSUFFICIENT_CREDITS"
    assert await till.balance() == (1, 0, 0, 0)


async def test_nobody_shares_with_themselves_or_in_a_circle(till: Till) -> None:
    """S12.4: sharing goes one way."""
    await _family(till, "bob")
    assert (await _shares(till, "ana")).code == "SHARE_WITH_SELF"
    assert (await _shares(till.of("bob"), "ana")).code == "SHARE_CYCLE"
    await _shares(till.of("bob"), "cleo", name="Cleo")
    assert (await _shares(till.of("cleo"), "ana")).code == "SHARE_CYCLE"
    await _unshares(till, "bob")
    assert (await _shares(till.of("cleo"), "ana")).code == "shared"


async def test_what_is_shared_is_not_shared_on(till: Till) -> None:
    """S12.4: allowed users are those whom the owner named."""
    await _family(till, "bob")
    await _shares(till.of("bob"), "cleo", name="Cleo")
    assert (await _uses(till, "cleo")).code == "NO_ENTITLEMENT"


async def test_somebody_unknown_is_met_by_name_or_refused(till: Till) -> None:
    await _family(till)
    assert (await _shares(till, "nobody")).code == "CONTACT_NOT_FOUND"
    assert (await _shares(till, "kid", name="Kid")).code == "shared"
    assert (await _uses(till, "kid")).code == "used"
    again = await _shares(till, "kid")
    assert (again.code, (await _shares(till, "kid"))["share_id"]) == ("shared", again["share_id"])


async def test_a_product_is_for_so_many_people(till: Till) -> None:
    """The strictest of what is shared counts, and of more people the first."""
    await _family(till, "bob", "cleo", sharing={"max_users": 2})
    third = await _shares(till, "dan", name="Dan")
    assert (third.code, third["allowed"], third["users"]) == ("SHARE_LIMIT_REACHED", 2, 2)
    await till.sells("duo", 5, sharing={"shareable": True, "max_users": 1})
    await till.buys("duo")
    only_duo: dict[str, Any] = {"product_config_id": "duo"}
    assert (await _uses(till, "bob", **only_duo)).code == "used"
    assert (await _uses(till, "cleo", **only_duo)).code != "used"
    await _unshares(till, "bob")
    assert (await _uses(till, "cleo", **only_duo)).code == "used"


async def test_caps_count_for_each_who_comes(till: Till) -> None:
    """S12.4: caps are per beneficiary."""
    await _family(till, "bob", "cleo", unlimited=True, caps=[{"count": 1, "window": "day"}])
    for contact in ("bob", "cleo", "ana"):
        assert (await _books(till, contact)).code == "booked", contact
        assert (await _books(till, contact)).code == "CAP_REACHED", contact
    assert (await _books(till, "bob", days=2)).code == "booked"


async def test_what_may_be_open_at_once_counts_for_each_who_comes(till: Till) -> None:
    """S3.5, S12.4."""
    await _family(till, "bob", attendance={"max_open_bookings": 1})
    for contact in ("bob", "ana"):
        assert (await _books(till, contact)).code == "booked", contact
        assert (await _books(till, contact, days=2)).code == "TOO_MANY_OPEN_BOOKINGS", contact


async def test_penalties_are_of_who_did_not_come(till: Till) -> None:
    """S5.4, S12.4: the strike, the fee and the block are the beneficiary's."""
    rules = {
        "no_show_fee_cents": 500,
        "penalty": {"threshold": 1, "action": "block", "block_days": 7},
    }
    await _family(till, "bob", "cleo", attendance=rules)
    booked = await _books(till, "bob")
    await till.moves_to(NOON + timedelta(days=2))
    missed = await _ends(till, booked, settling.no_show, at_once=True)
    assert (missed.code, missed["penalty"]) == ("no_show", "block")
    bob = await till.of("bob").contact_id()
    for table in ("strikes", "fees", "penalties", "blockers"):
        owners = await till.db.fetch(
            f"select contact_id from kotally.{table} t where t.location_id = $1",
            till.location,
        )
        assert [row["contact_id"] for row in owners] == [bob], table
    assert (await _books(till, "bob", days=4)).code == "BOOKING_BLOCKED"
    assert (await _uses(till, "bob")).code == "BOOKING_BLOCKED"
    assert (await _books(till, "ana", days=4)).code == "booked"
    assert (await _books(till, "cleo", days=4)).code == "booked"


async def test_an_owners_penalty_is_not_the_familys(till: Till) -> None:
    """S12.4: penalties are per beneficiary, so the owner's block keeps only the owner away."""
    await _family(till, "bob", attendance={"penalty": {"threshold": 1, "action": "block"}})
    booked = await _books(till, "ana")
    await till.moves_to(NOON + timedelta(days=2))
    await _ends(till, booked, settling.no_show, at_once=True)
    assert (await _books(till, "ana", days=4)).code == "BOOKING_BLOCKED"
    assert (await _books(till, "bob", days=4)).code == "booked"


async def test_the_last_credit_goes_to_one_of_two(till: Till) -> None:
    """S12.4: two beneficiaries want the owner's last credit at once."""
    await _family(till, "bob", "cleo", credits_=1)
    for _ in range(10):
        said = await asyncio.gather(*(_books(till, each) for each in ("bob", "cleo")))
        assert sorted(each.code for each in said) == ["INSUFFICIENT_CREDITS", "booked"]
        booked = next(each for each in said if each.code == "booked")
        await _ends(till, booked, settling.cancel)
    said = await asyncio.gather(*(_uses(till, each) for each in ("bob", "cleo")))
    assert sorted(each.code for each in said) == ["INSUFFICIENT_CREDITS", "used"]


async def test_a_guest_pass_brings_each_guest_so_often(till: Till) -> None:
    """S12.5: visits_per_guest; a guest is known again by id, by e-mail and by phone."""
    await till.sells("pass", 5, sharing={"guests": True, "visits_per_guest": 1})
    await till.buys("pass")
    first = await _brings(till, name="Gus", email="gus@example.com", phone="+1 555 0100")
    assert first.code == "guest_brought"
    again = await _brings(till, email="GUS@example.com")
    assert (again.code, again["allowed"], again["visits"]) == ("GUEST_VISITS_USED", 1, 1)
    other_name = await _brings(till, reference="gus_2", name="Gus", phone="+1 555 0100")
    assert other_name.code == "GUEST_VISITS_USED"
    assert (await _brings(till, name="Gil", email="gil@example.com")).code == "guest_brought"
    assert await till.balance() == (3, 0, 0, 0)


async def test_a_visit_that_was_given_back_was_none(till: Till) -> None:
    """S12.5."""
    await till.sells("pass", 5, sharing={"guests": True, "visits_per_guest": 1})
    await till.buys("pass")
    gus = Somebody(reference="gus", name="Gus")
    booked = await _books(till, "ana", guest=gus)
    assert (booked.code, booked["is_guest"]) == ("booked", True)
    assert (await _books(till, "ana", guest=gus, days=2)).code == "GUEST_VISITS_USED"
    await _ends(till, booked, settling.cancel)
    assert (await _books(till, "ana", guest=gus, days=2)).code == "booked"


async def test_each_guest_comes_on_the_passes_that_are_left(till: Till) -> None:
    """S12.5: of two passes, the one on which the guest came pays no more for that guest."""
    gus = Somebody(reference="gus", name="Gus")
    for product in ("first", "second"):
        await till.sells(product, 5, sharing={"guests": True, "visits_per_guest": 1})
        await till.buys(product)
    paid = [(await _books(till, "ana", guest=gus, days=day))["entitlement_id"] for day in (1, 2)]
    assert len(set(paid)) == 2
    assert (await _books(till, "ana", guest=gus, days=3)).code == "GUEST_VISITS_USED"


async def test_who_waits_for_a_place_waits_no_more_when_the_share_ends(till: Till) -> None:
    """S12.4: a place that is not taken yet is no booking that stays."""
    await _family(till, "bob", "cleo")
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
    await _unshares(till, "bob")
    said = Said.of(await waitlist.promote(till.db, till.location, "yoga", key=till.key()))
    assert [each["external_ref"] for each in said["promoted"]] == ["cleo"]
    assert [(each["external_ref"], each["why"]) for each in said["skipped"]] == [
        ("bob", "NOT_SHARED")
    ]


async def test_a_pass_for_new_guests_is_not_for_who_is_known(till: Till) -> None:
    """S12.5: new_guests_only."""
    await till.sells("pass", 9, sharing={"guests": True, "new_guests_only": True})
    await till.buys("pass")
    await till.sells()
    await till.of("bob").buys()
    assert (await _brings(till, reference="bob")).code == "GUEST_NOT_NEW"
    assert (await _brings(till, reference="gus", name="Gus")).code == "guest_brought"
    assert (await _brings(till, reference="gus")).code == "GUEST_NOT_NEW"


async def test_a_guest_of_another_product_is_not_new(till: Till) -> None:
    """S12.5: new_guests_only with so many visits each: the visits are those of one pass."""
    rules = {"guests": True, "new_guests_only": True, "visits_per_guest": 2}
    for product in ("pass", "other"):
        await till.sells(product, 9, sharing=rules)
    await till.buys("pass")
    for says in ("guest_brought", "guest_brought", "GUEST_VISITS_USED"):
        assert (await _brings(till, reference="gus", name="Gus")).code == says
    await till.of("bob").buys("other")
    assert (await _brings(till.of("bob"), reference="gus")).code == "GUEST_NOT_NEW"


async def test_ones_own_credits_are_for_guests_only_if_the_plan_says_so(till: Till) -> None:
    """S12.5."""
    await till.sells()
    await till.buys()
    assert (await _brings(till, reference="gus", name="Gus")).code == "GUESTS_NOT_ALLOWED"
    await till.sells("open", 1, sharing={"guests": True})
    await till.buys("open")
    assert (await _brings(till, reference="gus", name="Gus")).code == "guest_brought"
    assert (await _brings(till, reference="gus", name="Gus")).code == "INSUFFICIENT_CREDITS"
    assert await till.balance() == (10, 0, 0, 0)


async def test_nobody_is_their_own_guest(till: Till) -> None:
    """S12.5: a guest is recognised."""
    await till.sells("pass", 5, sharing={"guests": True})
    await till.buys("pass", email="ana@example.com")
    assert (await _brings(till, reference="ana")).code == "GUEST_IS_OWNER"
    other = await _brings(till, reference="ana_2", email="Ana@example.com")
    assert other.code == "GUEST_IS_OWNER"


async def test_staff_names_the_lots_of_one_booking(till: Till) -> None:
    """S1.6: without a change to the stored priorities, and even where an unlimited plan pays."""
    await till.sells(credits_=2)
    for _ in range(3):
        await till.buys()
    first, _, third = await _lots(till)
    booked = await _books(till, "ana", lots=[third, first], lots_reason="She asked for it.")
    assert booked["funding"][0]["lot_id"] == str(third)
    used = await _uses(till, "ana", amount=3, lots=[third, first], lots_reason="Asked for.")
    assert [(each["lot_id"], each["amount"]) for each in used["slices"]] == [
        (str(third), 1),
        (str(first), 2),
    ]
    assert used["balance_after"] == 2
    short = await _uses(till, "ana", lots=[first], lots_reason="Asked for.")
    assert short.code == "LOT_NOT_USABLE"
    assert (await _uses(till, "ana"))["balance_after"] == 1


async def test_named_lots_that_hold_too_little_are_refused(till: Till) -> None:
    """S1.5, S1.6: nothing is taken from others, and nothing is owed."""
    await till.sells(credits_=2, arrears={"advance_max": 5})
    await till.buys()
    await till.buys()
    lots = await _lots(till)
    short = await _uses(till, "ana", amount=3, lots=lots[:1], lots_reason="Asked for.")
    assert (short.code, short["short_by"]) == ("INSUFFICIENT_CREDITS", 1)
    assert await till.balance() == (4, 0, 0, 0)


async def test_the_lots_of_somebody_else_cannot_be_named(till: Till) -> None:
    """S1.6."""
    await till.sells()
    await till.buys()
    await till.of("bob").buys()
    theirs = await _lots(till.of("bob"))
    assert (await _uses(till, "ana", lots=theirs, lots_reason="?")).code == "LOT_NOT_USABLE"
