"""S9.1: one sale told by several pays one period, and a second sale still pays the next."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from kotally.payments import refunds
from kotally.payments.refunds import Refund
from tests.memberships.club import JANUARY, Club, Said, ny, said

FEBRUARY, MARCH = ny("2026-02-01T05:00"), ny("2026-03-01T05:00")


async def standing(club: Club, member: Said) -> dict[str, Any]:
    """Return what must be the same in every order."""
    row = await club.membership(member["entitlement_id"])
    names = ("status", "anchor_on", "period_number", "paid_number", "period_ends_at", "renews_at")
    return {name: row[name] for name in names} | {"available": await club.available()}


async def reports(club: Club) -> list[tuple[str, str]]:
    rows = await club.db.fetch(
        "select provider, matched_by from kotally.payment_reports r where r.location_id = $1"
        " order by r.provider",
        club.location,
    )
    return [(row["provider"], row["matched_by"]) for row in rows]


async def queue(club: Club) -> list[str]:
    rows = await club.db.fetch(
        "select w.kind from kotally.work_items w where w.location_id = $1", club.location
    )
    return [row["kind"] for row in rows]


async def test_two_providers_that_name_one_id_tell_one_sale(club: Club) -> None:
    """S9.1: the second arrival attaches its provider id and changes nothing."""
    await club.sells("eight")
    member = await club.pays("eight", payment="in_1", external_ref="pi_1")
    before = await standing(club, member)
    again = await club.pays("eight", payment="pi_1", provider="highlevel", amount_cents=None)

    assert again.code == "DUPLICATE_EVENT"
    assert again["payment_id"] == member["payment_id"]
    assert await standing(club, member) == before
    assert (await reports(club), await queue(club)) == ([("highlevel", "reference")], [])


async def test_a_report_that_was_attached_is_known_from_then_on(club: Club) -> None:
    """S15.3: natural keys are unique for ever, those of a second provider too."""
    await club.sells("eight")
    member = await club.pays("eight", payment="in_1")
    await club.pays("eight", payment="order_1", provider="highlevel")
    await club.moves_to("2026-02-20T12:00")
    late = await club.pays("eight", payment="order_1", provider="highlevel")

    assert (late.code, late["payment_id"]) == ("DUPLICATE_EVENT", member["payment_id"])
    assert (await club.membership(member["entitlement_id"]))["paid_number"] == 1


async def test_the_same_figure_within_a_day_is_one_sale_and_somebody_looks(club: Club) -> None:
    """S9.1: without a common id; the guess is in the work queue."""
    await club.sells("eight")
    member = await club.pays("eight", payment="in_1", paid_at=JANUARY)
    await club.moves_to("2026-01-02T14:00")
    again = await club.pays("eight", payment="order_1", provider="highlevel")

    assert again.code == "DUPLICATE_EVENT"
    assert (await club.membership(member["entitlement_id"]))["paid_number"] == 1
    assert (await reports(club), await queue(club)) == (
        [("highlevel", "closeness")],
        ["same_sale"],
    )


@pytest.mark.parametrize(
    "second",
    [
        {"payment": "in_2"},
        {"payment": "order_1", "provider": "highlevel", "amount_cents": 8100},
        {"payment": "order_1", "provider": "highlevel", "currency": "EUR"},
        {"payment": "order_1", "provider": "highlevel", "period_starts_at": FEBRUARY},
        {"payment": "order_1", "provider": "highlevel", "paid_at": JANUARY, "at": "2026-01-03"},
    ],
)
async def test_an_early_second_payment_pays_the_next_period(
    club: Club, second: dict[str, Any]
) -> None:
    """S9.1: the same provider, another figure, another period or another day is another sale."""
    told = dict(second)
    await club.sells("eight")
    member = await club.pays("eight", payment="in_1")
    if at := told.pop("at", None):
        await club.moves_to(f"{at}T15:00:00")
        told["paid_at"] = ny(f"{at}T15:00:00")
    done = await club.pays("eight", **told)

    assert (done.code, done["credits_granted"]) == ("grant_applied", 8)
    assert (await club.membership(member["entitlement_id"]))["paid_number"] == 2


async def test_a_provider_that_tells_twice_tells_two_sales(club: Club) -> None:
    """S9.1: the report of one sale is attached once; the next one is a sale of its own."""
    await club.sells("eight")
    member = await club.pays("eight", payment="in_1")
    await club.pays("eight", payment="order_1", provider="highlevel")
    done = await club.pays("eight", payment="order_2", provider="highlevel")

    assert done.code == "grant_applied"
    assert (await club.membership(member["entitlement_id"]))["paid_number"] == 2


async def test_a_named_period_is_paid_once_whatever_the_day(club: Club) -> None:
    """S9.1: the provider's bounds may be hours off ours."""
    await club.sells("eight")
    member = await club.pays("eight", payment="in_1")
    await club.moves_to("2026-02-01T06:00")
    await club.pays("eight", payment="in_2", period_starts_at=ny("2026-02-01T00:00"))
    await club.moves_to("2026-02-05T06:00")
    again = await club.pays(
        "eight",
        payment="order_2",
        provider="highlevel",
        amount_cents=1,
        period_starts_at=ny("2026-01-31T23:00"),
    )

    assert again.code == "DUPLICATE_EVENT"
    assert (await club.membership(member["entitlement_id"]))["paid_number"] == 2
    assert await reports(club) == [("highlevel", "period")]


async def test_the_payment_of_a_period_that_the_staff_confirmed(club: Club) -> None:
    """S9.1: it grants nothing more, and a refund of it finds the credits."""
    await club.sells("eight", rollover={})
    member = await club.pays("eight")
    await club.moves_to("2026-02-01T06:00")
    await club.renews(member["entitlement_id"])
    await club.moves_to("2026-02-04T06:00")
    before = await standing(club, member)
    paid = await club.pays("eight", payment="in_2")

    assert (paid.code, paid["credits_granted"]) == ("grant_applied", 0)
    assert await standing(club, member) == before
    back = said(
        await refunds.refund(
            club.db,
            club.location,
            UUID(paid["payment_id"]),
            wanted=Refund(),
            key=club.key("refund", {}),
        )
    )
    assert (back["credits_granted"], back["credits_revoked_now"]) == (8, 8)
    assert await club.available() == 8  # January's, rolled over

    # The charge at the end of the period is that of the next one.
    await club.moves_to("2026-02-28T20:00")
    assert (await club.pays("eight", payment="in_3"))["credits_granted"] == 8


async def test_the_staff_names_a_period_that_was_paid_meanwhile(club: Club) -> None:
    """S9.1: staff actions resolve to the same key."""
    await club.sells("eight")
    member = await club.pays("eight")
    await club.moves_to("2026-02-01T06:00")
    await club.pays("eight")
    before = await standing(club, member)
    known = await club.renews(member["entitlement_id"], number=2)

    assert (known.code, known["credits_granted"]) == ("membership_renewed", 0)
    assert known["period"]["number"] == 2
    assert await standing(club, member) == before
    refused = await club.renews(member["entitlement_id"], number=4)
    assert (refused.code, refused["next_period"]) == ("PERIOD_NOT_NEXT", 3)


@pytest.mark.parametrize("order", list(permutations(["stripe", "highlevel", "again", "staff"])))
async def test_all_reports_of_a_renewal_in_any_order(club: Club, order: tuple[str, ...]) -> None:
    """S9.1: providers, repetitions and the staff resolve to one grant in every order."""
    await club.sells("eight", rollover={"max_per_roll": 4})
    member = await club.pays("eight")
    await club.uses(3)
    await club.moves_to("2026-02-01T06:00")
    for step in order:
        if step == "staff":
            await club.renews(member["entitlement_id"], number=2)
        elif step == "highlevel":
            await club.pays("eight", payment="order_2", provider="highlevel")
        else:
            await club.pays("eight", payment="in_2")
    await club.sweeps()

    found = await standing(club, member)
    assert (found["paid_number"], found["period_ends_at"]) == (2, MARCH)
    assert found["available"] == 8 + 4


@pytest.mark.parametrize("order", list(permutations(["stripe", "highlevel", "again"])))
async def test_all_reports_of_a_first_payment_in_any_order(
    club: Club, order: tuple[str, ...]
) -> None:
    """S9.1: before the membership is known the first report starts it, in every order alike."""
    await club.sells("eight")
    answers = [
        await club.pays(
            "eight",
            payment="order_1" if step == "highlevel" else "in_1",
            provider="highlevel" if step == "highlevel" else "stripe",
        )
        for step in order
    ]

    codes = sorted(each.code for each in answers)
    assert codes == ["DUPLICATE_EVENT", "DUPLICATE_EVENT", "grant_applied"]
    found = await standing(club, answers[0])
    assert (found["paid_number"], found["available"]) == (1, 8)
    assert found["period_ends_at"] == FEBRUARY


async def test_a_first_payment_that_comes_late_starts_where_its_period_does(club: Club) -> None:
    """S9.2: the provider's period decides, not the day of the payment."""
    await club.sells("eight")
    await club.moves_to("2026-01-04T15:00")
    member = await club.pays("eight", period_starts_at=ny("2026-01-01T15:00"))
    assert (await club.membership(member["entitlement_id"]))["period_ends_at"] == FEBRUARY
    assert member["expires_at"] == "2026-02-01T05:00:00.000Z"

    ahead = await club.pays("eight", "bob", period_starts_at=FEBRUARY)
    ends_at = (await club.membership(ahead["entitlement_id"]))["period_ends_at"]
    assert ends_at == ny("2026-02-04T05:00")


async def test_a_payment_for_a_period_before_the_first_is_kept_and_looked_at(club: Club) -> None:
    """S9.1: it is another sale, so it pays a period; which one was meant is in the queue."""
    await club.sells("eight")
    await club.moves_to("2026-02-02T15:00")
    member = await club.pays("eight", payment="in_2", period_starts_at=FEBRUARY)
    early = await club.pays("eight", payment="in_1", period_starts_at=ny("2026-01-01T05:00"))

    assert (early.code, early["credits_granted"]) == ("grant_applied", 8)
    assert (await club.membership(member["entitlement_id"]))["paid_number"] == 2
    assert await queue(club) == ["billing_drift"]


async def test_a_renewal_before_its_membership_can_be_repeated(club: Club) -> None:
    """S9.1, S15.4: what came too early burns nothing; once the membership is known it counts."""
    await club.sells("eight")
    early = await club.renews(UUID(int=1), number=1)
    member = await club.pays("eight")

    assert early.code == "MEMBERSHIP_NOT_FOUND"
    assert (await club.renews(member["entitlement_id"], number=1))["credits_granted"] == 0
    assert await club.available() == 8


async def test_five_deliveries_and_the_other_providers_event_at_once(club: Club) -> None:
    """S9.1 T: `invoice.paid` five times in parallel, plus the order for the same sale."""
    await club.sells("eight")
    told = [{"payment": "in_1"}] * 5 + [{"payment": "order_1", "provider": "highlevel"}]
    answers = await asyncio.gather(*(club.pays("eight", **each) for each in told))

    assert sorted(each.code for each in answers) == ["DUPLICATE_EVENT"] * 5 + ["grant_applied"]
    assert await club.available() == 8
