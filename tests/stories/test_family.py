"""The story of a family: one pays, the others come, and they bring their friends."""

from __future__ import annotations

from typing import Any

from tests import make
from tests.api.front import Body
from tests.stories.cast import Booking, Member, Studio


async def test_a_family_shares_a_pack(studio: Studio) -> None:
    """
    Mia pays for ten; her son Leo comes with them until she thinks better of it (S12.4).

    What Leo booked stays booked, and his own credits are spent before hers.
    """
    await studio.sells("family", 10, sharing={"shareable": True, "max_users": 1})
    await studio.sells("five", 5)
    mia, leo = studio.member("mia"), studio.member("leo")
    await mia.buys("family")
    await leo.buys("five")
    await leo.uses("cal_yoga", 4)
    await _shares(studio, "mia", "leo")

    await leo.books("cal_yoga", "2026-01-06 18:00")
    await leo.has(available=0, held=1)
    await mia.has(available=10)
    tuesday = await leo.books("cal_yoga", "2026-01-13 18:00")
    await mia.has(available=9, held=1)
    assert tuesday["booked_by"].startswith("client:")

    zoe = await _shares(studio, "mia", "zoe", says="SHARE_LIMIT_REACHED", name="Zoe")
    assert (zoe["users"], zoe["allowed"]) == (1, 1)

    await studio.does("/shares/end", says="unshared", owner_contact_id="mia", user_contact_id="leo")
    await leo.cannot_book("cal_yoga", "2026-01-20 18:00", because="INSUFFICIENT_CREDITS")
    refused = await tuesday.is_("reschedule", says="NOT_SHARED", appointment_time=AT_NIGHT)
    assert "does not share" in refused["message"]
    await tuesday.is_attended()
    await mia.has(available=9)
    await _shares(studio, "mia", "zoe", name="Zoe")


async def test_what_a_child_missed_is_not_held_against_its_mother(studio: Studio) -> None:
    """Leo misses two classes on Mia's plan: the strikes and the block are his (S5.4, S12.4)."""
    rules = {"penalty": {"threshold": 2, "action": "block", "block_days": 14}}
    await studio.sells_membership(
        "unlimited",
        0,
        unlimited=True,
        caps=[{"count": 1, "window": "day"}],
        sharing={"shareable": True},
        attendance=rules,
    )
    mia, leo = studio.member("mia"), studio.member("leo")
    await mia.buys("unlimited")
    await _shares(studio, "mia", "leo", name="Leo")

    for day in ("2026-01-06", "2026-01-07"):
        booked = await leo.books("cal_yoga", f"{day} 18:00")
        await leo.cannot_book("cal_yoga", f"{day} 20:00", because="CAP_REACHED")
        await mia.books("cal_yoga", f"{day} 18:00")
        await studio.clock.moves_to(f"{day} 19:30")
        await booked.is_missed()

    await leo.cannot_book("cal_yoga", "2026-01-09 18:00", because="BOOKING_BLOCKED")
    await mia.books("cal_yoga", "2026-01-09 18:00")
    told = [each["type"] for each in await leo.sees("/timeline?limit=100")]
    assert told.count("strike_recorded") == 2
    assert "penalty_fired" in told
    assert "strike_recorded" not in [each["type"] for each in await mia.sees("/timeline?limit=100")]


async def test_both_see_whose_credits_were_used_for_whom(studio: Studio) -> None:
    """A use records owner, beneficiary and who booked, and both see it (S12.4)."""
    await studio.sells("family", 10, sharing={"shareable": True})
    mia, leo = studio.member("mia"), studio.member("leo")
    await mia.buys("family")
    shared = await _shares(studio, "mia", "leo", name="Leo")
    booked = await mia.books(
        "cal_yoga", "2026-01-06 18:00", beneficiary_contact_id="leo", booked_by="grandma"
    )
    used = await _uses(studio, "mia", beneficiary_contact_id="leo", booked_by="grandma")
    whose = {
        "contact_id": shared["owner_id"],
        "beneficiary_id": shared["user_id"],
        "booked_by": "grandma",
        "is_guest": False,
    }
    assert {name: booked[name] for name in whose} == whose
    assert {name: used[name] for name in whose} == whose

    for member in (mia, leo):
        coming = await member.sees("/appointments/upcoming")
        glance = (await member.summary())["recent_appointments"]
        line = [i["appointment"] for i in await member.sees("/timeline") if "appointment" in i]
        for each, count in ((coming, 1), (glance, 2), (line, 2)):
            assert [{name: item[name] for name in whose} for item in each] == [whose] * count
        types = [item["type"] for item in await member.sees("/timeline")]
        assert {"credits_shared", "booking_booked"} <= set(types)
    told = [each["metadata"] for each in await mia.sees("/ledger") if each["type"] != "grant"]
    assert told == [{name: whose[name] for name in whose if name != "contact_id"}] * 2
    assert await leo.ledger() == []

    shares = await studio.reads("/contacts/leo/shares")
    assert [(each["owner_contact_id"], each["uses"]) for each in shares["owners"]] == [("mia", 2)]
    assert [(await studio.reads("/contacts/mia/shares"))["users"]] == [shares["owners"]]


async def test_a_friend_comes_once_on_a_guest_pass(studio: Studio) -> None:
    """Mia brings Gus on her guest pass; he is known again under any name (S12.5)."""
    await studio.sells(
        "guests", 3, sharing={"guests": True, "new_guests_only": True, "visits_per_guest": 1}
    )
    await studio.sells("ten", 10)
    mia, bea = studio.member("mia"), studio.member("bea")
    await mia.buys("ten")
    gus = {"name": "Gus", "email": "gus@example.com", "phone": "+1 555 0100"}
    await _uses(studio, "mia", guest=gus, says="GUESTS_NOT_ALLOWED")
    await mia.buys("guests")
    await bea.buys("guests")

    booked = await mia.books("cal_yoga", "2026-01-06 18:00", guest=gus)
    assert booked["is_guest"]
    await mia.has(available=12, held=1)
    for guest in ({"email": "GUS@example.com"}, {"contact_id": "gus", "phone": gus["phone"]}):
        again = await _uses(studio, "mia", guest=guest, says="GUEST_VISITS_USED")
        assert (again["visits"], again["allowed"]) == (1, 1)
    await _uses(studio, "bea", guest=gus, says="GUEST_VISITS_USED")
    await _uses(studio, "mia", guest={"contact_id": "bea"}, says="GUEST_NOT_NEW")
    await _uses(studio, "mia", guest={"contact_id": "mia"}, says="GUEST_IS_OWNER")
    await _uses(studio, "mia", guest={"contact_id": "nobody"}, says="CONTACT_NOT_FOUND")

    await booked.is_cancelled()
    await _uses(studio, "bea", guest=gus, says="guest_brought")
    gus_himself = studio.member(await _name_of(studio, booked))
    seen = [
        (each["status"], each["is_guest"]) for each in await gus_himself.sees("/appointments/past")
    ]
    assert seen == [("cancelled", True), ("captured", True)]


AT_NIGHT = "2026-01-21T01:00:00.000Z"


async def _shares(
    studio: Studio, owner: str, user: str, *, says: str = "shared", **who: Any
) -> Body:
    """Let a member name somebody at the desk."""
    return await studio.does(
        "/shares", says=says, owner_contact_id=owner, user_contact_id=user, **who
    )


async def _uses(studio: Studio, name: str, *, says: str = "used", **who: Any) -> Body:
    """Come without a booking, on somebody's credits."""
    return await studio.does(
        "/uses",
        says=says,
        external_contact_id=name,
        calendar_id="cal_yoga",
        external_ref=make.name("visit"),
        **who,
    )


async def _name_of(studio: Studio, booking: Booking) -> str:
    """Return the name under which the guest of a booking is known."""
    found = await Member(studio, booking["beneficiary_id"]).studio.reads(
        f"/contacts/{booking['beneficiary_id']}"
    )
    return found["contact"]["external_contact_id"]
