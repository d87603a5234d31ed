"""`kotally sharing`, and bookings for somebody else, as a person runs them."""

from __future__ import annotations

from kotally.db import Database
from tests import make
from tests.cli.conftest import Kotally
from tests.cli.test_commands import made_location
from tests.cli.test_money import run

BOTH = {"sharing": {"shareable": True, "guests": True, "visits_per_guest": 1}}
FAMILY = ("--owner", "ana", "--user", "leo")


async def bought(kotally: Kotally, db: Database) -> list[str]:
    """Let ana buy two packs of ten that she can share; returns their lots."""
    await made_location(kotally)
    await make.product(db, "loc_1", rules=BOTH)
    acts = [make.grant(10, "ana") for _ in range(2)]
    await make.applied(db, "loc_1", acts)
    rows = await db.fetch(
        "select l.id from kotally.lots l where l.location_id = $1 order by l.id", "loc_1"
    )
    return [str(row["id"]) for row in rows]


async def test_somebody_is_allowed_listed_and_removed(kotally: Kotally, db: Database) -> None:
    await bought(kotally, db)
    unknown = await kotally("sharing", "allow", *FAMILY, "--location", "loc_1")
    assert (unknown.code, "CONTACT_NOT_FOUND" in unknown.err) == (1, True)
    shown = await run(kotally, "sharing", "allow", *FAMILY, "--name", "Leo", "--preview")
    assert shown["preview"]
    await run(kotally, "sharing", "allow", *FAMILY, "--name", "Leo")
    used = await run(kotally, "sharing", "use", "--contact", "leo", "--amount", "2")
    assert (used["code"], used["balance_after"], used["owner_id"]) == (
        "used",
        18,
        used["contact_id"],
    )
    listed = await run(kotally, "sharing", "list", "--contact", "ana")
    assert [(each["user_contact_id"], each["uses"]) for each in listed["users"]] == [("leo", 1)]
    table = await kotally("sharing", "list", "--contact", "leo", "--location", "loc_1")
    assert "ana" in table.out
    await run(kotally, "sharing", "remove", *FAMILY)
    nobody = await kotally("sharing", "list", "--contact", "leo", "--location", "loc_1")
    assert nobody.out == "leo shares with nobody, nor anybody with them.\n"
    refused = await kotally(
        "sharing", "use", "--contact", "ana", "--for", "leo", "--location", "loc_1"
    )
    assert (refused.code, "NOT_SHARED" in refused.err) == (1, True)


async def test_a_guest_is_booked_and_a_lot_is_named(kotally: Kotally, db: Database) -> None:
    _, second = await bought(kotally, db)
    guest = ("--guest-email", "gus@example.com", "--guest-name", "Gus", "--booked-by", "ana")
    lots = ("--lot", second, "--why", "She asked for it.")
    place = ("booking", "place", "--contact", "ana", "--at", "2099-01-05T10:00:00Z")
    booked = await run(kotally, *place, "--reference", "one", *guest, *lots)
    assert (booked["is_guest"], booked["booked_by"]) == (True, "ana")
    assert [each["lot_id"] for each in booked["funding"]] == [second]
    for contact in ("ana", booked["beneficiary_id"]):
        listed = await run(kotally, "booking", "list", "--contact", contact)
        assert [each["booking_id"] for each in listed["bookings"]] == [booked["booking_id"]]
    again = await kotally(*place, "--reference", "two", *guest, "--location", "loc_1")
    assert (again.code, "GUEST_VISITS_USED" in again.err) == (1, True)


async def test_what_cannot_be_meant_is_said(kotally: Kotally, db: Database) -> None:
    lots = await bought(kotally, db)
    use = ("sharing", "use", "--contact", "ana", "--location", "loc_1")
    for words, says in (
        (("--lot", lots[0]), "--why"),
        (("--why", "Because."), "--lot"),
        (("--guest-name", "Gus"), "--guest-email"),
        (("--for", "leo", "--guest-email", "gus@example.com"), "not both"),
        (("--amount", "0"), "--amount"),
    ):
        ran = await kotally(*use, *words)
        assert (ran.code, says in ran.err) == (1, True), ran
