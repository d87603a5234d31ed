"""S9.8: versions are pinned until a migration, which can be looked at before."""

from __future__ import annotations

import msgspec

from kotally.memberships import migrations
from kotally.products import products
from kotally.products.products import Changes
from tests.memberships.club import Club


async def test_an_edit_touches_nobody_until_a_migration(club: Club) -> None:
    await club.sells("eight", renews="itself")
    for contact in ("ana", "bob"):
        await club.pays("eight", contact)
    leaving = await club.pays("eight", "eva")
    await club.cancels(leaving["entitlement_id"])
    await products.edit(club.db, club.location, "eight", changes=Changes(credits=5))
    await club.moves_to("2026-01-20T12:00")
    assert await club.available() == 8

    before = await club.counts()
    preview = await migrated(club, preview=True)
    assert await club.counts() == before
    done = await migrated(club)

    assert preview == done
    assert (done["memberships"], done["left_alone"]) == (2, 1)
    assert done["first_at"] == "2026-02-01T05:00:00.000Z"
    assert await club.available() == 8
    await club.moves_to("2026-02-02T12:00")
    assert [await club.available(contact) for contact in ("ana", "bob", "eva")] == [5, 5, 0]


async def test_without_a_migration_the_version_stays(club: Club) -> None:
    await club.sells("eight", renews="itself")
    await club.pays("eight")
    await products.edit(club.db, club.location, "eight", changes=Changes(credits=5))
    await club.moves_to("2026-02-02T12:00")

    assert await club.available() == 8


async def migrated(club: Club, *, preview: bool = False) -> dict[str, object]:
    outcome = await migrations.migrate(
        club.db, club.location, "eight", key=club.key("migrate", {}), preview=preview
    )
    assert outcome.code == "migration_scheduled"
    return msgspec.json.decode(outcome.answer)
