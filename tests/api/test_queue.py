"""The work queue and the location's time zone, over HTTP."""

from __future__ import annotations

from typing import Any

from tests import make
from tests.api.front import MEMBERSHIP, Shop

NOBODY = "00000000-0000-7000-8000-000000000000"


async def post(shop: Shop, path: str, **body: Any) -> dict[str, Any]:
    return (await shop.post(path, {"request_id": make.name("request"), **body})).json()


async def told_twice(shop: Shop, contact: str) -> None:
    """Let two providers tell of one sale, without a common id."""
    for provider in ("stripe", "highlevel"):
        await post(
            shop,
            "/grants",
            external_contact_id=contact,
            external_payment_id=make.name("payment"),
            provider=provider,
            product_config_id=MEMBERSHIP,
            amount_cents=8000,
        )


async def listed(shop: Shop, **query: Any) -> list[dict[str, Any]]:
    answer = await shop.get("/work-items", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["work_items"]


async def test_what_was_guessed_is_looked_at_once(shop: Shop) -> None:
    """S9.1, S8.6: the queue holds it until somebody says what became of it."""
    await told_twice(shop, "ana")
    await told_twice(shop, "bob")
    bobs, anas = await listed(shop)
    assert (anas["kind"], anas["status"], anas["external_contact_id"]) == (
        "same_sale",
        "open",
        "ana",
    )
    assert anas["details"]["provider"] == "highlevel"

    path = f"/work-items/{anas['id']}"
    preview = await post(shop, f"{path}/resolve", note="Same card.", preview=True)
    done = await post(shop, f"{path}/resolve", note="Same card.")
    again = await post(shop, f"{path}/dismiss", note="No.")

    assert preview["status"] == done["status"] == "resolved"
    assert (again["reason_code"], again["status"]) == ("WORK_ITEM_ALREADY_SETTLED", "resolved")
    assert [each["id"] for each in await listed(shop)] == [bobs["id"]]
    settled = await listed(shop, status="settled")
    assert [(each["id"], each["note"]) for each in settled] == [(anas["id"], "Same card.")]
    assert settled[0]["settled_by"].startswith("client:")
    dismissed = await post(shop, f"/work-items/{bobs['id']}/dismiss", note="Two sales.")
    assert (dismissed["reason_code"], dismissed["status"]) == ("work_item_settled", "dismissed")


async def test_a_payment_that_could_not_be_applied_is_in_the_queue_and_refunded(
    shop: Shop,
) -> None:
    """S9.4, S10.1: the upgrade would start the period anew, and the next one is paid."""
    await shop.product("pc_12", kind="membership", credits_=12)
    paid = {"external_contact_id": "ana", "amount_cents": 4000}
    member = await shop.grant(MEMBERSHIP, **paid)
    path = f"/memberships/{member['entitlement_id']}"
    await post(shop, f"{path}/change", product_config_id="pc_12", strategy="reset")
    await shop.grant(MEMBERSHIP, **paid)
    answer = await post(
        shop, "/grants", **paid, product_config_id="pc_12", external_payment_id="pay_12"
    )

    assert (answer["ok"], answer["reason_code"]) == (False, "PERIOD_PAID_AHEAD")
    assert answer["message"].startswith("The payment is kept")
    [item] = await listed(shop, kind="billing_drift")
    assert item["details"]["payment_id"] == answer["payment_id"]
    assert item["details"]["paid_until"] == answer["paid_until"]
    kept = (await shop.get("/contacts/ana/payments")).json()["payments"]
    assert answer["payment_id"] in [each["id"] for each in kept]
    refunded = await post(shop, f"/payments/{answer['payment_id']}/refund", amount_cents=4000)
    assert (refunded["reason_code"], refunded["credits_revoked"]) == ("refunded", 0)


async def test_the_queue_turns_its_pages(shop: Shop) -> None:
    for contact in ("ana", "bob", "cem"):
        await told_twice(shop, contact)
    first = (await shop.get("/work-items", limit=2)).json()
    second = (await shop.get("/work-items", limit=2, cursor=first["next_cursor"])).json()

    found = [each["external_contact_id"] for page in (first, second) for each in page["work_items"]]
    assert (found, second["next_cursor"]) == (["cem", "bob", "ana"], None)
    assert await listed(shop, kind="billing_drift") == []
    wrong = await shop.get("/work-items", limit=2, status="all", cursor=first["next_cursor"])
    assert wrong.json()["reason_code"] == "VALIDATION_ERROR"


async def test_what_is_wrong_with_an_item_is_said(shop: Shop) -> None:
    assert await listed(shop) == []
    unknown = await post(shop, f"/work-items/{NOBODY}/resolve", note="?")
    no_id = await post(shop, "/work-items/first/resolve", note="?")
    no_note = await post(shop, f"/work-items/{NOBODY}/resolve", note="")
    status = await shop.get("/work-items", status="done")

    assert unknown["reason_code"] == "WORK_ITEM_NOT_FOUND"
    assert no_id["reason_code"] == no_note["reason_code"] == "VALIDATION_ERROR"
    assert status.json()["reason_code"] == "VALIDATION_ERROR"


async def test_a_location_moves_to_another_time_zone(shop: Shop) -> None:
    """S14.5: the preview is the commit."""
    body = {"timezone": "Europe/Berlin"}
    preview = await post(shop, "/location/timezone", **body, preview=True)
    done = await post(shop, "/location/timezone", **body)
    wrong = await post(shop, "/location/timezone", timezone="Mars/Olympus")

    assert (preview["timezone"], done["reason_code"]) == ("Europe/Berlin", "timezone_changed")
    assert preview["timezone_before"] == done["timezone_before"] != "Europe/Berlin"
    assert (wrong["reason_code"], "Mars/Olympus" in wrong["detail"]) == ("TIMEZONE_UNKNOWN", True)
