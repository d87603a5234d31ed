"""Credits that others may use, and guests (S12.4, S12.5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kotally.payments import guests, sharing
from kotally.payments.using import Use
from tests import make
from tests.payments.till import Said, Till


async def _shares(till: Till, user: str, **fields: Any) -> Said:
    return Said.of(
        await sharing.share(
            till.db, till.location, till.contact, user=user, key=till.key(), **fields
        )
    )


async def _unshares(till: Till, user: str) -> Said:
    return Said.of(
        await sharing.unshare(till.db, till.location, till.contact, user=user, key=till.key())
    )


async def _uses(till: Till, beneficiary: str, **fields: Any) -> Said:
    wanted = Use(beneficiary=beneficiary, booked_by="ana", **fields)
    return Said.of(await sharing.use(till.db, till.location, wanted, key=till.key()))


async def _brings(till: Till, guest: str) -> Said:
    wanted = Use(beneficiary=guest, booked_by=till.contact)
    return Said.of(
        await guests.bring(till.db, till.location, till.contact, wanted=wanted, key=till.key())
    )


async def test_a_use_of_shared_credits_names_owner_beneficiary_and_who_booked(till: Till) -> None:
    """S12.4."""
    await till.sells(sharing={"shareable": True})
    await till.buys()
    bob = await till.of("bob").contact_id()
    assert (await _uses(till, "bob")).code == "NO_ENTITLEMENT"
    assert (await _shares(till, "bob")).code == "shared"
    used = await _uses(till, "bob", amount=2)
    assert (used.code, used["beneficiary_id"], used["balance_after"]) == ("used", str(bob), 8)
    row = await till.db.fetchrow(
        "select owner_id, beneficiary_id, booked_by from kotally.shared_uses u"
        " where u.location_id = $1",
        till.location,
    )
    assert tuple(row or ()) == (await till.contact_id(), bob, "ana")


async def test_ones_own_credits_are_used_first(till: Till) -> None:
    """S12.4."""
    await till.sells(sharing={"shareable": True})
    await till.buys()
    await till.of("bob").buys()
    await _shares(till, "bob")
    assert (await _uses(till, "bob"))["owner_id"] == str(await till.of("bob").contact_id())
    assert await till.balance() == (10, 0, 0, 0)


async def test_removing_a_sharer_leaves_made_bookings(till: Till) -> None:
    """S12.4."""
    await till.sells(sharing={"shareable": True})
    await till.buys()
    await till.of("bob").contact_id()
    await _shares(till, "bob")
    held = await _uses(till, "bob", is_hold=True)
    assert (await _unshares(till, "bob")).code == "unshared"
    assert (await _uses(till, "bob")).code == "NO_ENTITLEMENT"
    assert await till.balance() == (9, 1, 0, 0)
    act = make.act("capture", till.contact, hold_id=UUID(held["hold_id"]))
    assert (await make.applied(till.db, till.location, [act]))[0].code == "captured"
    assert (await _unshares(till, "bob")).code == "NOT_SHARED"


async def test_only_what_can_be_shared_is(till: Till) -> None:
    """S12.4."""
    await till.sells()
    bought = await till.buys()
    await till.of("bob").contact_id()
    one = await _shares(till, "bob", entitlement_id=UUID(bought["entitlement_id"]))
    assert one.code == "NOT_SHAREABLE"
    assert (await _shares(till, "bob")).code == "shared"
    assert (await _uses(till, "bob")).code == "NO_ENTITLEMENT"
    assert (await _shares(till, "ana")).code == "SHARE_WITH_SELF"


async def test_a_guest_pass_brings_each_guest_so_often(till: Till) -> None:
    """S12.5."""
    await till.sells("pass", 3, sharing={"guests": True, "visits_per_guest": 1})
    await till.buys("pass")
    for guest in ("gus", "gil"):
        await till.of(guest).contact_id()
    assert (await _brings(till, "gus")).code == "guest_brought"
    again = await _brings(till, "gus")
    assert (again.code, again["allowed"]) == ("GUEST_VISITS_USED", 1)
    assert (await _brings(till, "gil")).code == "guest_brought"
    assert await till.balance() == (1, 0, 0, 0)


async def test_a_pass_for_new_guests_is_not_for_members(till: Till) -> None:
    """S12.5."""
    await till.sells("pass", 3, sharing={"guests": True, "new_guests_only": True})
    await till.buys("pass")
    await till.sells()
    await till.of("bob").buys()
    assert (await _brings(till, "bob")).code == "GUEST_NOT_NEW"


async def test_ones_own_credits_are_for_guests_only_if_the_plan_says_so(till: Till) -> None:
    """S12.5."""
    await till.sells()
    await till.buys()
    await till.of("gus").contact_id()
    assert (await _brings(till, "gus")).code == "GUESTS_NOT_ALLOWED"
