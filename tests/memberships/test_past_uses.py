"""S6.7: a past class against a lot that was valid at that time."""

from __future__ import annotations

from typing import Any

from kotally.memberships import past_uses
from kotally.memberships.past_uses import Past
from tests.memberships.club import Club, Said, ny, said
from tests.memberships.pausing import Pausing


async def records(club: Club, when: str, units: int = 1, **fields: Any) -> Said:
    preview = fields.pop("preview", False)
    past = Past(
        external_contact_id=fields.pop("contact", "ana"),
        appointment_at=ny(when),
        reason="Forgot to scan",
        units=units,
        **({"calendar_id": "cal"} | fields),
    )
    key = club.key("past", when)
    return said(await past_uses.record(club.db, club.location, past=past, key=key, preview=preview))


async def test_it_reverses_the_expiry_for_that_amount(club: Club) -> None:
    await Pausing(club).pack(ny("2026-01-10T05:00"))
    await club.moves_to("2026-01-12T12:00")
    assert (await club.does("deduct", 1, calendar_id="cal")).code == "NO_ENTITLEMENT"

    preview = await records(club, "2026-01-09T12:00", 2, preview=True)
    done = await records(club, "2026-01-09T12:00", 2, external_ref="late")

    assert (done.code, done["credits"], done["credits_revived"]) == ("past_class_recorded", 2, 2)
    assert preview["credits_revived"] == 2
    assert done["balance_after"] == 0
    assert await club.moved("expire") == [
        ("expired", 5, ny("2026-01-10T05:00")),
        ("correction", 2, ny("2026-01-12T12:00")),
    ]
    assert await club.moved("deduct") == [("booking", 2, ny("2026-01-09T12:00"))]
    again = await records(club, "2026-01-09T12:00", 2, external_ref="late")
    assert again.code == "DUPLICATE_EVENT"


async def test_what_was_not_valid_then_does_not_pay(club: Club) -> None:
    await Pausing(club).pack(ny("2026-01-10T05:00"))
    await club.moves_to("2026-01-12T12:00")

    assert (await records(club, "2026-01-10T05:00")).code == "NO_ENTITLEMENT"
    assert (await records(club, "2026-01-01T14:00")).code == "NO_ENTITLEMENT"
    short = await records(club, "2026-01-09T12:00", 6)
    assert (short.code, short["short_by"]) == ("INSUFFICIENT_CREDITS", 1)
    assert (await records(club, "2026-01-12T12:01")).code == "CLASS_NOT_PAST"
    assert (await records(club, "2026-01-09T12:00", contact="nobody")).code == "NO_ENTITLEMENT"


async def test_a_lot_that_is_still_good_pays_without_any_reversal(club: Club) -> None:
    await Pausing(club).pack(ny("2026-02-10T05:00"))
    await club.moves_to("2026-01-12T12:00")

    done = await records(club, "2026-01-09T12:00", 2)

    assert (done["credits_revived"], done["balance_after"]) == (0, 3)
    assert await club.moved("expire") == []


async def test_it_is_the_same_whether_or_not_the_worker_has_come(club: Club) -> None:
    """S6.5: what has expired by now was not available any more, and is told as revived."""
    await Pausing(club).pack(ny("2026-01-10T05:00"))
    await club.moves_to("2026-01-12T12:00", sweep=False)

    done = await records(club, "2026-01-09T12:00", 2)

    assert (done["credits_revived"], done["balance_after"]) == (2, 0)
    assert [amount for _, amount, _ in await club.moved("expire")] == [5, 2]
