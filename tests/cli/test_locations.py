"""`kotally location set-timezone`."""

from __future__ import annotations

from tests.cli.conftest import Kotally
from tests.cli.test_commands import made_location


async def test_a_location_moves_to_another_time_zone(kotally: Kotally) -> None:
    await made_location(kotally)
    move = ("location", "set-timezone", "--location", "loc_1", "--timezone")

    preview = await kotally(*move, "Europe/Berlin", "--preview")
    done = await kotally(*move, "Europe/Berlin", "--json")
    wrong = await kotally(*move, "Mars/Olympus")

    assert preview.out.startswith("Would be: timezone changed\n")
    assert (done.json["timezone_before"], done.json["timezone"]) == (
        "America/New_York",
        "Europe/Berlin",
    )
    assert (wrong.code, "Mars/Olympus" in wrong.err) == (1, True)
