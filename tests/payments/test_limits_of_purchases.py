"""Who may buy an offer, and how often (B4, B11)."""

from __future__ import annotations

from datetime import timedelta

from tests.payments.till import NOON, Till


async def test_an_intro_offer_is_granted_once_per_person(till: Till) -> None:
    """B4: whoever the contact is called, by e-mail."""
    await till.sells("intro", intro={"max_per_contact": 1})
    await till.buys("intro", email="ana@example.com")
    again = await till.pays("intro")
    assert (again.code, again["rule"], again["allowed"], again["bought"]) == (
        "PURCHASE_LIMIT_REACHED",
        "max_per_contact",
        1,
        1,
    )
    other = await till.of("ana-again").pays("intro", email=" ANA@example.com")
    assert other.code == "PURCHASE_LIMIT_REACHED"
    assert (await till.of("bob").pays("intro", email="bob@example.com")).code == "grant_applied"
    assert await till.balance() == (10, 0, 0, 0)


async def test_an_offer_that_was_refunded_can_be_bought_again(till: Till) -> None:
    await till.sells("intro", intro={"max_per_contact": 1})
    await till.refunds(await till.buys("intro"))
    assert (await till.pays("intro")).code == "grant_applied"


async def test_an_offer_comes_again_after_its_days(till: Till) -> None:
    """B11."""
    await till.sells("month", intro={"once_per_days": 30})
    await till.buys("month")
    await till.moves_to(NOON + timedelta(days=29))
    said = await till.pays("month")
    assert (said.code, said["allowed_from"]) == (
        "PURCHASE_LIMIT_REACHED",
        "2026-04-01T12:00:00.000Z",
    )
    await till.moves_to(NOON + timedelta(days=30))
    assert (await till.pays("month")).code == "grant_applied"


async def test_an_offer_for_new_members_is_for_those_who_never_bought(till: Till) -> None:
    """B11."""
    await till.sells()
    await till.sells("new", intro={"new_members_only": True})
    await till.buys()
    assert (await till.pays("new"))["rule"] == "new_members_only"
    assert (await till.of("bob").pays("new")).code == "grant_applied"


async def test_a_refused_purchase_does_not_burn_its_payment(till: Till) -> None:
    """S15.4."""
    await till.sells("month", intro={"once_per_days": 30})
    await till.buys("month")
    assert (await till.pays("month", payment="pay_2")).code == "PURCHASE_LIMIT_REACHED"
    await till.moves_to(NOON + timedelta(days=30))
    assert (await till.pays("month", payment="pay_2")).code == "grant_applied"
