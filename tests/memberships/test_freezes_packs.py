"""S8.4, S6.7: packs that are unlimited or have caps live as long as credits do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.memberships.club import Club, ny
from tests.memberships.pausing import Pausing
from tests.memberships.test_closures import closes, undoes
from tests.memberships.test_freezes import member


@pytest_asyncio.fixture(loop_scope="session")
async def pausing(club: Club) -> Pausing:
    return Pausing(club)


PACKS: list[dict[str, Any]] = [
    {"unlimited": True},
    {"caps": [{"count": 1, "window": "day"}]},
]


async def pack_of(club: Club, rules: dict[str, Any]) -> str:
    """Sell a pack of thirty days with rules; returns what the contact holds."""
    await club.sells("pack", kind="package", expiry_days=30, **rules)
    return (await club.pays("pack"))["entitlement_id"]


async def good_on(club: Club, when: str) -> bool:
    """Ask whether the pack pays for a class then."""
    checked = await club.does("check", product_config_id="pack", appointment_at=ny(when))
    return checked.code == "eligible"


async def ends(club: Club, id_: str) -> object:
    return await club.db.fetchval(
        "select e.ends_at from kotally.entitlements e where e.location_id = $1 and e.id = $2",
        club.location,
        UUID(id_),
    )


@pytest.mark.parametrize("rules", PACKS)
async def test_a_pack_with_rules_is_good_as_long_as_a_freeze_lets_it_live(
    club: Club, pausing: Pausing, rules: dict[str, Any]
) -> None:
    """S8.4: its plan does not end before its credits, with credits or without."""
    pack = await pack_of(club, rules)
    assert await ends(club, pack) == ny("2026-02-01T05:00")
    id_ = await member(club, covers_packs=True)
    assert not await good_on(club, "2026-02-05T12:00")

    await pausing.freeze(id_, "2026-01-10", "2026-01-20")
    assert await good_on(club, "2026-02-10T12:00")
    assert not await good_on(club, "2026-02-11T12:00")
    await pausing.moves_to("2026-01-15T12:00")
    await pausing.resume(id_)

    assert await ends(club, pack) == ny("2026-02-06T05:00")
    assert await good_on(club, "2026-02-05T12:00")
    assert not await good_on(club, "2026-02-06T12:00")


async def test_an_unlimited_pack_bought_under_a_freeze_is_covered(
    club: Club, pausing: Pausing
) -> None:
    """S8.4: from its own first day on."""
    id_ = await member(club, covers_packs=True)
    await pausing.freeze(id_, "2026-01-10", "2026-01-20")
    await pausing.moves_to("2026-01-15T12:00")
    pack = await pack_of(club, PACKS[0])

    assert await good_on(club, "2026-02-19T12:00")
    await pausing.moves_to("2026-01-21T12:00")
    assert await ends(club, pack) == ny("2026-02-20T05:00")


@pytest.mark.parametrize("rules", PACKS)
async def test_a_pack_with_rules_is_good_as_long_as_a_closure_lets_it_live(
    club: Club, rules: dict[str, Any]
) -> None:
    """S6.7, S8.4: with credits or without; the undo takes it back."""
    pack = await pack_of(club, rules)
    before = await ends(club, pack)
    preview = await closes(club, "2026-01-05", "2026-01-08", preview=True)
    done = await closes(club, "2026-01-05", "2026-01-08")

    assert preview["packs_moved"] == done["packs_moved"] == (1 if "unlimited" in rules else 0)
    assert (before, await ends(club, pack)) == (ny("2026-02-01T05:00"), ny("2026-02-04T05:00"))
    assert await good_on(club, "2026-02-03T12:00")
    assert (await closes(club, "2026-03-05", "2026-03-08"))["packs_moved"] == 0
    undone = await undoes(club, done["closure_id"])

    assert undone["packs_moved"] == done["packs_moved"]
    assert await ends(club, pack) == before
    assert not await good_on(club, "2026-02-03T12:00")


async def test_a_frozen_membership_is_no_wrong_calendar(club: Club, pausing: Pausing) -> None:
    """S3.2: the blocker comes before the calendar, whatever else the contact has for another."""
    await club.sells("yoga", coverage={"yoga": 1})
    await club.sells("all", 0, coverage={"spin": 1}, unlimited=True)
    await club.sells("swim", 5, kind="package", expiry_days=60, coverage={"swim": 1})
    for name in ("yoga", "all"):
        id_ = (await club.pays(name))["entitlement_id"]
        await pausing.freeze(id_, "2026-01-05", "2026-01-20")
    await club.pays("swim")

    async def code(calendar: str, when: str) -> str:
        return (await club.does("hold", calendar_id=calendar, appointment_at=ny(when))).code

    frozen, before = "2026-01-10T15:00", "2026-01-04T15:00"
    assert [await code(name, frozen) for name in ("yoga", "spin")] == ["NO_ENTITLEMENT"] * 2
    assert await code("golf", frozen) == "SERVICE_FAMILY_MISMATCH"
    assert [await code(name, before) for name in ("yoga", "spin")] == ["held"] * 2
