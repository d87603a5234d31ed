"""Who may buy an offer, and how often (B4, B11)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec

from kotally.payments import grants
from kotally.payments.purchases import Purchase
from tests.payments.till import NOON, Till

SHORT_S = 0.3


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


async def test_a_person_is_known_again_by_phone_and_card(till: Till) -> None:
    """B4: by all that is known of a person; a purchase without any of it is somebody else's."""
    await till.sells("intro", intro={"max_per_contact": 1})
    await till.buys("intro", phone="+1 (212) 555-0100", payment_fingerprint="card_1")
    phone = await till.of("annie").pays("intro", phone="12125550100")
    card = await till.of("a.").pays("intro", payment_fingerprint="card_1")
    assert [each.code for each in (phone, card)] == ["PURCHASE_LIMIT_REACHED"] * 2
    assert (await till.of("bob").pays("intro", phone="-")).code == "grant_applied"
    assert (await till.of("cem").pays("intro", phone="--")).code == "grant_applied"
    assert (await till.of("dora").pays("intro", payment_fingerprint="card_2"))[
        "balance_after"
    ] == 10


async def test_a_renewal_teaches_the_card_of_a_member(till: Till) -> None:
    """B4: every payment counts."""
    await till.sells("eight", 8, kind="membership")
    await till.sells("new", intro={"new_members_only": True})
    await till.buys("eight")
    await till.buys("eight", payment_fingerprint="card_1")
    again = await till.of("annie").pays("new", payment_fingerprint="card_1")
    assert (again.code, again["rule"]) == ("PURCHASE_LIMIT_REACHED", "new_members_only")


async def test_two_contacts_of_one_person_cannot_buy_at_the_same_instant(till: Till) -> None:
    """B4: another process's purchase that is under way is waited for, and counts."""
    await till.sells("intro", intro={"max_per_contact": 1})
    first = Purchase(
        location_id=till.location,
        external_contact_id="ana",
        email="ana@example.com",
        product_config_id="intro",
        external_payment_id="first",
        provider="stripe",
        event_type="payment_confirmed",
    )
    planned = await grants.plan(till.db, first, key=till.key(first))
    other = till.of("annie")

    async with till.db.transaction() as tx:
        done = await tx.fetchval(
            "select o.code from kotally.apply($1, $2::kotally.act[]) o",
            till.location,
            [msgspec.structs.astuple(planned)],
        )
        assert done == "grant_applied"
        asked = asyncio.create_task(other.pays("intro", email="ana@example.com"))
        await asyncio.wait([asked], timeout=SHORT_S)
        assert not asked.done()

    assert (await asked).code == "PURCHASE_LIMIT_REACHED"


async def test_the_staff_sets_a_limit_aside_for_a_reason(till: Till) -> None:
    """B4: and that is told; where nothing stood against it there is no news."""
    await till.sells("intro", intro={"max_per_contact": 1})
    await till.buys("intro", override_reason="A friend of the house.")
    assert await _overridden(till) == []
    assert (await till.pays("intro")).code == "PURCHASE_LIMIT_REACHED"
    sold = await till.buys("intro", override_reason="The first one was a gift.")

    assert sold["balance_after"] == 20
    told = {"rule": "max_per_contact", "bought": 1, "reason": "The first one was a gift."}
    assert await _overridden(till) == [told | {"product_config_id": "intro"}]


async def _overridden(till: Till) -> list[dict[str, Any]]:
    rows = await till.db.fetch(
        "select h.details from kotally.happenings h where h.location_id = $1"
        " and h.type = 'purchase_limit_overridden'",
        till.location,
    )
    return [row["details"] for row in rows]


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
