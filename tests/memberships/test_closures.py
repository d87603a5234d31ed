"""S6.7: extending a lot, and closures, with a dry run and one undo."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest_asyncio

from kotally.core.ids import new_id
from kotally.ledger.plans import Entry
from kotally.ledger.scenes import Done, Scene, play
from kotally.memberships import closures, extensions
from kotally.memberships.closures import Closing
from tests.memberships.club import Club, Said, ny, on, said
from tests.memberships.pausing import Pausing


@pytest_asyncio.fixture(loop_scope="session")
async def pausing(club: Club) -> Pausing:
    return Pausing(club)


async def extends(club: Club, lot_id: UUID, valid_to: str, **fields: Any) -> Said:
    done = await extensions.extend_lot(
        club.db,
        club.location,
        lot_id,
        valid_to=on(valid_to),
        reason="Was ill",
        key=club.key("extend", valid_to),
        **fields,
    )
    return said(done)


async def closes(club: Club, starts: str, reopens: str, **fields: Any) -> Said:
    preview = fields.pop("preview", False)
    closing = Closing(starts_on=on(starts), reopens_on=on(reopens), note="Flood", **fields)
    done = await closures.close(
        club.db, club.location, closing=closing, key=club.key("closure", {}), preview=preview
    )
    return said(done)


async def undoes(club: Club, closure: Any, **fields: Any) -> Said:
    key = club.key("undo", {})
    id_ = UUID(str(closure))
    return said(await closures.undo(club.db, club.location, id_, key=key, **fields))


async def test_an_act_of_more_postings_than_a_request_can_number(
    club: Club, pausing: Pausing
) -> None:
    """S6.7: a closure for tens of thousands of members is one act with one undo."""
    packs = [await pausing.pack(ny("2026-01-05T05:00"), f"member_{n}") for n in range(4)]
    await club.moves_to("2026-01-06T12:00")

    async def work(scene: Scene) -> Done:
        await scene.lock(sorted([await owner(club, pack) for pack in packs]))
        scene.parts(2 * 32_768 - 2)  # as many postings as have gone before
        postings = [
            scene.posting(
                await owner(club, pack),
                "expire",
                "expiry_extended",
                entries=[Entry(pack, "expired", "available", 5)],
            )
            for pack in packs
        ]
        await scene.post(postings)
        return Done("closure_applied", {})

    key = club.key("closure", {"postings": "many"})
    await play(club.db, club.location, "closure", key=key, work=work)
    replayed = await play(club.db, club.location, "closure", key=key, work=work)

    rows = await club.db.fetch(
        "select p.request_id, p.part from kotally.postings p where p.location_id = $1"
        " and p.correlation_id = $2 order by p.request_id, p.part",
        club.location,
        key.correlation_id,
    )
    assert [row["part"] for row in rows] == [32_766, 32_767, 0, 1]
    assert {row["request_id"] for row in rows} == {
        f"{key.correlation_id}:1",
        f"{key.correlation_id}:2",
    }
    assert replayed.replayed
    assert [await club.available(f"member_{n}") for n in range(4)] == [0] * 4


async def owner(club: Club, lot_id: UUID) -> UUID:
    return await club.db.fetchval(
        "select l.contact_id from kotally.lots l where l.location_id = $1 and l.id = $2",
        club.location,
        lot_id,
    )


async def test_a_lot_is_extended_to_the_end_of_a_day(club: Club, pausing: Pausing) -> None:
    pack = await pausing.pack(ny("2026-03-01T05:00"))

    preview = await extends(club, pack, "2026-03-10", preview=True)
    done = await extends(club, pack, "2026-03-10")

    assert (done.code, done["expires_at"]) == ("expiry_extended", "2026-03-11T04:00:00.000Z")
    assert preview.answer == done.answer
    assert await club.happened() == ["expiry_changed"]
    changes = await club.db.fetch(
        "select from_at, to_at, reason from kotally.expiry_changes where location_id = $1",
        club.location,
    )
    assert [tuple(row) for row in changes] == [
        (ny("2026-03-01T05:00"), ny("2026-03-11T04:00"), "expiry_extended")
    ]


async def test_extending_an_expired_lot_posts_the_reverse_of_the_expiry(
    club: Club, pausing: Pausing
) -> None:
    pack = await pausing.pack(ny("2026-01-10T05:00"))
    await club.moves_to("2026-01-12T12:00")
    assert await club.available() == 0

    done = await extends(club, pack, "2026-01-20")

    assert (done["credits_revived"], done["balance_after"]) == (5, 5)
    assert await club.moved("expire") == [
        ("expired", 5, ny("2026-01-10T05:00")),
        ("expiry_extended", 5, ny("2026-01-12T12:00")),
    ]
    await club.moves_to("2026-01-22T12:00")
    assert await club.available() == 0
    assert (await club.moved("expire"))[-1] == ("expired", 5, ny("2026-01-21T05:00"))


async def test_an_extension_under_a_freeze_is_of_what_is_shown(
    club: Club, pausing: Pausing
) -> None:
    """S6.7, S8.4: the frozen days are in the date that staff names, and not added to it."""
    await club.sells("gold", freeze={"covers_packs": True})
    id_ = (await club.pays("gold"))["entitlement_id"]
    pack = await pausing.pack(ny("2026-01-22T05:00"))
    await pausing.freeze(id_, "2026-01-01", "2026-01-15")
    assert await pausing.expiry(pack) == (ny("2026-01-22T05:00"), ny("2026-02-05T05:00"))

    refused = await extends(club, pack, "2026-02-04")
    assert (refused.code, refused["allowed"]) == ("EXPIRY_NOT_LATER", {"valid_to": "2026-02-05"})
    done = await extends(club, pack, "2026-02-10")

    assert (done["expires_before"], done["expires_at"]) == (
        "2026-02-05T05:00:00.000Z",
        "2026-02-11T05:00:00.000Z",
    )
    assert await pausing.expiry(pack) == (ny("2026-01-28T05:00"), ny("2026-02-11T05:00"))
    await pausing.moves_to("2026-01-15T12:00")
    assert await pausing.expiry(pack) == (ny("2026-02-11T05:00"), None)


async def test_an_extension_across_planned_freezes_lives_until_then_at_least(
    club: Club, pausing: Pausing
) -> None:
    """S8.4: whose days are added to what ends inside a freeze."""
    await club.sells("gold", freeze={"covers_packs": True})
    id_ = (await club.pays("gold"))["entitlement_id"]
    await pausing.freeze(id_, "2026-01-20", "2026-01-30")
    await pausing.freeze(id_, "2026-03-02", "2026-03-05")
    pack = await pausing.pack(ny("2026-01-10T05:00"))

    before = await extends(club, pack, "2026-01-19")
    inside = await extends(club, pack, "2026-01-24")
    after = await extends(club, pack, "2026-02-19")
    both = await extends(club, pack, "2026-03-09")

    assert [each["expires_at"] for each in (before, inside, after, both)] == [
        "2026-01-20T05:00:00.000Z",
        "2026-01-31T05:00:00.000Z",
        "2026-02-20T05:00:00.000Z",
        "2026-03-10T04:00:00.000Z",
    ]
    assert await pausing.expiry(pack) == (ny("2026-02-25T05:00"), ny("2026-03-10T04:00"))


async def test_what_cannot_be_extended_is_refused(club: Club, pausing: Pausing) -> None:
    pack = await pausing.pack(ny("2026-03-01T05:00"))
    forever = await pausing.pack()

    same = await extends(club, pack, "2026-02-28")
    assert (same.code, same["allowed"]) == ("EXPIRY_NOT_LATER", {"valid_to": "2026-03-01"})
    assert (await extends(club, forever, "2026-03-01")).code == "LOT_NEVER_EXPIRES"
    assert (await extends(club, new_id(), "2026-03-01")).code == "LOT_NOT_FOUND"


async def test_a_closure_moves_every_lot_of_its_days(club: Club, pausing: Pausing) -> None:
    long_ = await pausing.pack(ny("2026-03-06T05:00"))
    inside = await pausing.pack(ny("2026-01-13T05:00"), "bob")
    before = await pausing.pack(ny("2026-01-09T05:00"), "cem")
    forever = await pausing.pack(None, "dan")
    await club.moves_to("2026-01-15T12:00")

    dry = await closes(club, "2026-01-10", "2026-01-20", preview=True)
    assert (dry["lots_moved"], dry["contacts"], dry["credits_moved"]) == (2, 2, 5)
    assert await club.available("bob") == 0
    done = await closes(club, "2026-01-10", "2026-01-20")

    assert done.code == "closure_applied"
    assert without_id(done.answer) == without_id(dry.answer)
    assert [(await pausing.expiry(lot))[0] for lot in (long_, inside, before, forever)] == [
        ny("2026-03-16T04:00"),
        ny("2026-01-23T05:00"),
        ny("2026-01-09T05:00"),
        None,
    ]
    assert await club.available("bob") == 5
    assert await club.available("cem") == 0


async def test_a_closure_is_undone_once(club: Club, pausing: Pausing) -> None:
    inside = await pausing.pack(ny("2026-01-13T05:00"))
    later = await pausing.pack(ny("2026-02-13T05:00"), "bob")
    await club.moves_to("2026-01-15T12:00")
    done = await closes(club, "2026-01-10", "2026-01-20")
    await club.uses(2)

    undone = await undoes(club, done["closure_id"])

    assert (undone.code, undone["lots_moved"], undone["credits_moved"]) == ("closure_undone", 2, 3)
    assert (await pausing.expiry(inside))[0] == ny("2026-01-13T05:00")
    assert (await pausing.expiry(later))[0] == ny("2026-02-13T05:00")
    assert (await club.available(), await club.available("bob")) == (0, 5)
    assert await club.expires() == 0
    again = await undoes(club, done["closure_id"])
    assert again.code == "CLOSURE_ALREADY_UNDONE"
    assert (await undoes(club, new_id())).code == "CLOSURE_NOT_FOUND"


async def test_undoing_takes_off_only_the_closures_days(club: Club, pausing: Pausing) -> None:
    pack = await pausing.pack(ny("2026-02-13T05:00"))
    done = await closes(club, "2026-01-10", "2026-01-20")
    await extends(club, pack, "2026-03-01")

    await undoes(club, done["closure_id"])

    assert (await pausing.expiry(pack))[0] == ny("2026-02-20T05:00")


async def test_undoing_leaves_credits_that_wait_for_their_roll_over(club: Club) -> None:
    """S7.7, S11.3: until the renewal is paid the old period keeps its amount."""
    await club.sells("eight", rollover={"lives_months": 2}, arrears={"cancel_after_days": 60})
    await club.pays("eight")
    await club.moves_to("2026-02-02T12:00")
    done = await closes(club, "2026-01-20", "2026-01-21")
    undone = await undoes(club, done["closure_id"])

    assert (undone["lots_moved"], undone["credits_moved"]) == (1, 0)
    await club.expires()
    assert (await club.pays("eight"))["balance_after"] == 16


async def test_undoing_leaves_what_a_running_freeze_keeps(club: Club, pausing: Pausing) -> None:
    """S8.4: a lot under a freeze is not expired before the freeze is over."""
    await club.sells("gold", freeze={"covers_packs": True})
    id_ = (await club.pays("gold"))["entitlement_id"]
    pack = await pausing.pack(ny("2026-01-13T05:00"))
    await pausing.freeze(id_, "2026-01-10", "2026-01-20")
    await pausing.moves_to("2026-01-15T12:00")
    done = await closes(club, "2026-01-05", "2026-01-07")
    undone = await undoes(club, done["closure_id"])

    assert undone["credits_moved"] == 0
    assert await pausing.expiry(pack) == (ny("2026-01-13T05:00"), ny("2026-01-23T05:00"))


async def test_a_closure_can_be_for_some_products(club: Club, pausing: Pausing) -> None:
    await pausing.pack(ny("2026-03-06T05:00"))

    other = await closes(club, "2026-01-10", "2026-01-20", product_config_ids=["pc_2"])
    mine = await closes(club, "2026-01-10", "2026-01-20", product_config_ids=["pc_1"])

    assert (other["lots_moved"], mine["lots_moved"]) == (0, 1)


async def test_an_impossible_closure_is_refused(club: Club) -> None:
    backwards = await closes(club, "2026-01-10", "2026-01-10")
    endless = await closes(club, "2026-01-10", "2027-01-12")

    assert (backwards.code, backwards["allowed"]) == (
        "CLOSURE_ENDS_BEFORE_START",
        {"later_than": "2026-01-10"},
    )
    assert (endless.code, endless["allowed"]) == ("CLOSURE_TOO_LONG", {"days": 366})


async def test_a_closure_and_a_freeze_both_count(club: Club, pausing: Pausing) -> None:
    await club.sells("gold", freeze={"covers_packs": True})
    id_ = (await club.pays("gold"))["entitlement_id"]
    pack = await pausing.pack(ny("2026-02-13T05:00"))
    await pausing.freeze(id_, "2026-01-10", "2026-01-20")

    await closes(club, "2026-01-25", "2026-01-28")

    assert await pausing.expiry(pack) == (ny("2026-02-16T05:00"), ny("2026-02-26T05:00"))
    await pausing.moves_to("2026-01-20T12:00")
    assert await pausing.expiry(pack) == (ny("2026-02-26T05:00"), None)


def without_id(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "closure_id"}


async def test_a_closure_counts_a_lapsed_hold_as_given_back(club: Club, pausing: Pausing) -> None:
    """S2.5, S6.7: what a hold had whose time is over is available, swept or not."""
    await pausing.pack(ny("2026-02-13T05:00"))
    await club.does("hold", 2, calendar_id="cal", args={"ttl_seconds": 3_600})
    await club.moves_to("2026-01-15T12:00", sweep=False)

    done = await closes(club, "2026-01-10", "2026-01-20")

    assert (done["credits_available"], done["credits_held"]) == (5, 0)
