"""Refunds and disputes of a payment whose credits come in instalments: one tally (S10.1)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kotally.memberships import renewals
from tests.payments.till import Said, Till

_MONTHS = ["2026-04-02T12:00:00", "2026-05-02T12:00:00", "2026-06-02T12:00:00"]


async def _buys_a_year(till: Till, **rules: Any) -> Said:
    await till.sells("pc_y", 8, kind="membership", period_months=12, grant_months=1, **rules)
    return await till.buys("pc_y", 120_000)


async def _comes(till: Till, to: str) -> tuple[int, int, int, int]:
    """Return what is available, held, suspended and owed once it is that late."""
    await till.moves_to(to)
    await till.expires()
    await renewals.renew_due(till.db, till.location, limit=100)
    return await till.balance()


async def _tally(till: Till, payment: Said) -> tuple[int, int]:
    row = await till.db.fetchrow(
        "select credits_granted, credits_revoked from kotally.payments p"
        " where p.location_id = $1 and p.id = $2",
        till.location,
        UUID(payment["payment_id"]),
    )
    assert row is not None
    return row["credits_granted"], row["credits_revoked"]


async def test_after_a_full_refund_each_instalment_is_taken_back_at_once(till: Till) -> None:
    """S10.2: `V* = N`, of what is granted later too."""
    year = await _buys_a_year(till)
    await till.uses(3)
    assert (await till.refunds(year))["credits_revoked_now"] == 8

    assert await _comes(till, _MONTHS[0]) == (0, 0, 0, 3)
    assert await _comes(till, _MONTHS[1]) == (0, 0, 0, 3)
    assert await _tally(till, year) == (24, 24)
    assert (await till.lots())[-1] == {"issued": 8, "revoked": 8, "class": "included"}


async def test_a_partial_refund_takes_its_share_of_each_instalment(till: Till) -> None:
    """S10.2: the tally over all that was granted, so the parts never take more than the whole."""
    year = await _buys_a_year(till)
    assert (await till.refunds(year, 40_000))["credits_revoked_now"] == 2

    assert (await _comes(till, _MONTHS[0]))[0] == 5
    assert await _tally(till, year) == (16, 5)
    assert (await _comes(till, _MONTHS[1]))[0] == 5
    assert await _tally(till, year) == (24, 8)


async def test_a_refund_settles_before_debts_are_paid_from_an_instalment(till: Till) -> None:
    """S10.4: what is owed is paid from the credits that are left."""
    year = await _buys_a_year(till)
    await till.uses(7)
    assert (await till.refunds(year, 60_000))["credits_owed"] == 3

    assert await _comes(till, _MONTHS[0]) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("wanted", "revoked"), [({"policy": "none"}, 0), ({"credits": 2}, 4), ({"credits": 8}, 16)]
)
async def test_what_staff_decided_goes_on(till: Till, wanted: dict[str, Any], revoked: int) -> None:
    """S10.2: the rule does not take later what staff had left."""
    year = await _buys_a_year(till)
    await till.refunds(year, **wanted)
    await _comes(till, _MONTHS[0])
    assert await _tally(till, year) == (16, revoked)


async def test_an_instalment_is_suspended_while_its_payment_is_disputed(till: Till) -> None:
    """S10.6: and what is won lives longer by the days that it was suspended itself."""
    year = await _buys_a_year(till)
    await till.disputed(year, "opened")
    await till.books("b", days=40)
    assert await _comes(till, _MONTHS[0]) == (0, 0, 16, 0)
    assert await till.booking("b") != "booked"

    await till.moves_to("2026-04-12T12:00:00")
    await till.disputed(year, "won")
    rows = await till.db.fetch(
        "select l.expires_at::date::text as on from kotally.lots l where l.location_id = $1"
        " order by l.issued_at",
        till.location,
    )
    assert [row["on"] for row in rows] == ["2026-05-13", "2026-05-12"]
    assert (await _comes(till, "2026-04-12T13:00:00"))[2] == 0


async def test_after_a_lost_dispute_no_instalment_is_left(till: Till) -> None:
    """S10.6: it is a full refund in the same tally."""
    year = await _buys_a_year(till)
    await till.disputed(year, "opened")
    await _comes(till, _MONTHS[0])
    lost = await till.disputed(year, "lost")
    assert lost["credits_revoked_now"] == 16

    assert await _comes(till, _MONTHS[1]) == (0, 0, 0, 0)
    assert await _tally(till, year) == (24, 24)


async def test_a_refund_during_a_dispute_revokes_its_share_and_leaves_the_rest_suspended(
    till: Till,
) -> None:
    """S10.2, S10.6."""
    year = await _buys_a_year(till)
    await till.disputed(year, "opened")
    await till.refunds(year, 60_000)
    assert await _comes(till, _MONTHS[0]) == (0, 0, 8, 0)
    assert await _tally(till, year) == (16, 8)
