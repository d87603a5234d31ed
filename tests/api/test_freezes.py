"""Freezes, closures and extensions over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from kotally.core.ids import new_id
from tests import make
from tests.api.front import MEMBER, MEMBERSHIP, Front, Shop
from tests.memberships.club import ny


async def clocked(front: Front) -> tuple[Shop, str]:
    """Open a shop on 1 January 2026 with one member."""
    shop = await front.shop()
    await front.owner.execute(
        "update kotally.locations set clock_at = $2 where id = $1",
        shop.id,
        ny("2026-01-01T15:00"),
    )
    return shop, (await shop.grant(MEMBERSHIP))["entitlement_id"]


async def post(shop: Shop, path: str, **body: Any) -> Any:
    return await shop.post(path, {"request_id": make.name("request"), **body})


async def test_a_membership_is_frozen_extended_and_resumed(front: Front) -> None:
    shop, id_ = await clocked(front)
    path = f"/memberships/{id_}"

    preview = await post(shop, f"{path}/freeze", resumes_on="2026-01-10", preview=True)
    frozen = await post(shop, f"{path}/freeze", resumes_on="2026-01-10")
    longer = await post(shop, f"{path}/freeze-extend", resumes_on="2026-01-12")
    back = await post(shop, f"{path}/resume")

    codes = [answer.json()["reason_code"] for answer in (preview, frozen, longer, back)]
    assert codes == [
        "membership_frozen",
        "membership_frozen",
        "freeze_extended",
        "membership_resumed",
    ]
    assert frozen.json()["period_ends_at"] == "2026-02-10T05:00:00.000Z"
    assert back.json()["days"] == 0
    planned = await post(shop, f"{path}/freeze", starts_on="2026-01-05", resumes_on="2026-01-10")
    assert planned.json()["status"] == "planned"
    gone = await post(shop, f"{path}/freeze-cancel")
    assert gone.json()["reason_code"] == "freeze_cancelled"
    await shop.assert_books()


async def test_the_same_request_freezes_once(front: Front) -> None:
    shop, id_ = await clocked(front)
    body = {"request_id": "r-1", "resumes_on": "2026-01-10"}

    first = await shop.post(f"/memberships/{id_}/freeze", body)
    again = await shop.post(f"/memberships/{id_}/freeze", body)
    other = await shop.post(f"/memberships/{id_}/freeze", {**body, "resumes_on": "2026-01-11"})

    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["reason_code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert await shop.count("freezes") == 1


async def test_a_refusal_names_the_nearest_allowed(front: Front) -> None:
    shop, id_ = await clocked(front)

    answer = await post(
        shop, f"/memberships/{id_}/freeze", starts_on="2026-01-05", resumes_on="2026-01-05"
    )

    assert answer.status_code == 200
    assert answer.json()["reason_code"] == "FREEZE_ENDS_BEFORE_START"
    assert answer.json()["allowed"] == {"resumes_on": "2026-01-06"}
    assert answer.json()["message"].startswith("A freeze lasts at least a day")


@pytest.mark.parametrize(
    "body",
    [
        {"resumes_on": "2026-02-30"},
        {"resumes_on": "tomorrow"},
        {"resumes_on": 20260101},
        {"resumes_on": "9999-12-31"},
        {"resumes_on": "0001-01-01"},
        {"resumes_on": None},
        {"resumes_on": "2026-02-03", "mode": "pause"},
        {"resumes_on": "2026-02-03", "keep": ["x"]},
        {"resumes_on": "2026-02-03", "override_reason": ""},
    ],
)
async def test_a_malformed_freeze_is_refused(front: Front, body: dict[str, Any]) -> None:
    shop, id_ = await clocked(front)

    async with front.untouched():
        answer = await post(shop, f"/memberships/{id_}/freeze", **body)

    assert (answer.status_code, answer.json()["reason_code"]) == (400, "VALIDATION_ERROR")


async def test_a_lot_is_extended_and_a_closure_undone(front: Front) -> None:
    shop, _ = await clocked(front)
    lot = (await shop.grant(MEMBERSHIP))["lot_id"]

    longer = await post(shop, f"/lots/{lot}/extend", valid_to="2026-06-30", reason="Was ill")
    assert longer.json()["expires_at"] == "2026-07-01T04:00:00.000Z"
    closing = {"starts_on": "2026-01-10", "reopens_on": "2026-01-12", "note": "Flood"}
    dry = await post(shop, "/closures", **closing, preview=True)
    assert dry.json()["lots_moved"] == 1
    done = await post(shop, "/closures", **closing)
    undone = await post(shop, f"/closures/{done.json()['closure_id']}/undo")
    assert (done.json()["reason_code"], undone.json()["reason_code"]) == (
        "closure_applied",
        "closure_undone",
    )
    again = await post(shop, f"/closures/{done.json()['closure_id']}/undo")
    assert again.json()["reason_code"] == "CLOSURE_ALREADY_UNDONE"
    unknown = await post(shop, f"/lots/{new_id()}/extend", valid_to="2026-06-30", reason="x")
    assert unknown.json()["reason_code"] == "LOT_NOT_FOUND"
    await shop.assert_books()


async def test_each_endpoint_asks_for_its_scope(front: Front) -> None:
    shop, id_ = await clocked(front)
    token = await shop.client("grant")

    for path, body in (
        (f"/memberships/{id_}/freeze", {"resumes_on": "2026-01-10"}),
        (f"/memberships/{id_}/resume", {}),
        (f"/memberships/{id_}/freeze-extend", {"resumes_on": "2026-01-10"}),
        (f"/memberships/{id_}/freeze-cancel", {}),
        (f"/lots/{id_}/extend", {"valid_to": "2026-01-10", "reason": "x"}),
        ("/closures", {"starts_on": "2026-01-10", "reopens_on": "2026-01-12", "note": "x"}),
        (f"/closures/{id_}/undo", {}),
    ):
        asked = {"request_id": make.name("request"), **body}
        without = await shop.post(path, asked, token="")
        narrow = await shop.post(path, asked, token=token)
        assert (without.status_code, narrow.json()["reason_code"]) == (401, "INSUFFICIENT_SCOPE")


async def test_a_past_class_is_paid_by_what_was_good_then(front: Front) -> None:
    shop, _ = await clocked(front)
    await front.owner.execute(
        "update kotally.locations set clock_at = $2 where id = $1", shop.id, ny("2026-01-03T15:00")
    )
    body = {
        "external_contact_id": MEMBER,
        "calendar_id": "cal_1",
        "appointment_time": "2026-01-02T12:00:00Z",
        "reason": "Was not scanned",
    }

    done = await post(shop, "/entitlements/deduct-past", **body)
    ahead = {**body, "appointment_time": "2026-01-05T12:00:00Z"}
    refused = await post(shop, "/entitlements/deduct-past", **ahead)
    many = await post(shop, "/entitlements/deduct-past", **body, amount=9)

    assert (done.json()["reason_code"], done.json()["balance_after"]) == ("past_class_recorded", 7)
    assert refused.json()["reason_code"] == "CLASS_NOT_PAST"
    assert (many.json()["reason_code"], many.json()["short_by"]) == ("INSUFFICIENT_CREDITS", 2)
    await shop.assert_books()
