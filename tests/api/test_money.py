"""Refunds, disputes, corrections and transfers through the door."""

from __future__ import annotations

from typing import Any

import pytest

from tests import make
from tests.api.front import MEMBER, PACKAGE, Shop


async def _bought(shop: Shop) -> dict[str, Any]:
    return await _done(
        shop,
        "/grants",
        external_contact_id=MEMBER,
        external_payment_id="pay_1",
        product_config_id=PACKAGE,
        amount_cents=9900,
    )


async def _said(shop: Shop, path: str, **body: Any) -> dict[str, Any]:
    return (await shop.post(path, {"request_id": make.name("request"), **body})).json()


async def _done(shop: Shop, path: str, **body: Any) -> dict[str, Any]:
    answer = await _said(shop, path, **body)
    assert answer["ok"], answer
    return answer


async def test_a_refund_is_previewed_quoted_and_made(shop: Shop) -> None:
    path = f"/payments/{(await _bought(shop))['payment_id']}"
    quoted = await _done(shop, f"{path}/quote", drop_in_cents=1500)
    assert [each["amount_cents"] for each in quoted["quotes"]] == [9900, 9900]
    shown = await _done(shop, f"{path}/refund", amount_cents=3300, preview=True)
    made = await _done(shop, f"{path}/refund", amount_cents=3300)
    assert (made["reason_code"], made["credits_revoked"], made["balance_after"]) == (
        "refunded",
        3,
        7,
    )
    assert shown["balance_after"] == 7
    more = await _said(shop, f"{path}/refund", amount_cents=9900)
    assert (more["reason_code"], more["refundable_cents"]) == ("REFUND_EXCEEDS_PAYMENT", 6600)


async def test_a_block_is_lifted(shop: Shop) -> None:
    path = f"/payments/{(await _bought(shop))['payment_id']}"
    await _done(shop, "/entitlements/deduct", external_contact_id=MEMBER, product_config_id=PACKAGE)
    await _done(shop, f"{path}/refund", shortfall="block")
    lifted = await _done(shop, f"{path}/unblock", note="Paid at the desk.")
    assert (lifted["reason_code"], lifted["credits_uncollected"]) == ("block_lifted", 1)
    again = await _said(shop, f"{path}/unblock", note="Paid at the desk.")
    assert again["reason_code"] == "NOT_BLOCKED"
    assert (await _said(shop, f"{path}/unblock"))["reason_code"] == "VALIDATION_ERROR"


async def test_a_dispute_is_opened_and_won(shop: Shop) -> None:
    path = f"/payments/{(await _bought(shop))['payment_id']}/dispute"
    assert (await _done(shop, path, event="opened"))["balance_after"] == 0
    won = await _done(shop, path, event="won")
    assert (won["balance_after"], won["dispute_status"]) == (10, "won")


async def test_credits_are_corrected_and_another_client_approves(shop: Shop) -> None:
    await _bought(shop)
    body = {"external_contact_id": MEMBER, "reason": "goodwill", "note": "Sorry."}
    given = await _done(shop, "/adjustments", amount=2, **body)
    assert (given["reason_code"], given["balance_after"]) == ("adjusted", 12)
    asked = await _done(shop, "/adjustments", amount=101, **body)
    assert (asked["reason_code"], asked["allowed"]) == ("approval_requested", 100)
    path = f"/approvals/{asked['approval_id']}/approve"
    assert (await _said(shop, path))["reason_code"] == "APPROVAL_NEEDS_ANOTHER_PERSON"
    shop.token = await shop.client()
    assert (await _done(shop, path))["balance_after"] == 113


async def test_credits_are_given_away_and_back(shop: Shop) -> None:
    await _bought(shop)
    await _done(
        shop,
        "/grants",
        external_contact_id="bob",
        external_payment_id="pay_2",
        product_config_id=PACKAGE,
    )
    gift = {"from_contact_id": MEMBER, "to_contact_id": "bob", "amount": 4, "note": "A gift."}
    given = await _done(shop, "/transfers", **gift)
    assert (given["from_balance_after"], given["to_balance_after"]) == (6, 14)
    back = await _done(shop, f"/transfers/{given['transfer_id']}/undo")
    assert (back["from_balance_after"], back["to_balance_after"]) == (10, 10)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/payments/x/refund", {}, "id"),
        (f"/payments/{'0' * 32}/refund", {"amount_cents": 0}, "amount_cents"),
        (
            f"/payments/{'0' * 32}/refund",
            {"amount_cents": 1, "refunded_total_cents": 1},
            "refunded_total_cents",
        ),
        (f"/payments/{'0' * 32}/dispute", {"event": "maybe"}, "event"),
        ("/adjustments", {"external_contact_id": "a", "amount": 0}, "amount"),
        ("/adjustments", {"external_contact_id": "a", "amount": 1, "note": ""}, "note"),
        ("/transfers", {"from_contact_id": "a", "to_contact_id": "b", "amount": -1}, "amount"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(
    shop: Shop,
    path: str,
    body: dict[str, Any],
    field: str,
) -> None:
    words = {"reason": "goodwill", "note": "Why."} if path == "/adjustments" else {}
    words |= {"note": "Why."} if path == "/transfers" else {}
    answer = await _said(shop, path, **(words | body))
    assert answer["reason_code"] == "VALIDATION_ERROR"
    assert answer["errors"][0]["field"] == field
