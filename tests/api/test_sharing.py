"""Sharing, guests and named lots through the door (S1.6, S12.4, S12.5)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kotally.api.answers import REASONS
from kotally.products.policies import Sharing
from kotally.products.rules import Rules
from tests import make
from tests.api.front import CALENDAR, MEMBER, PACKAGE, Body, Front, Shop

FAMILY = "pc_family"
GUESTS = "pc_guests"
SOON = "2099-01-05T10:00:00.000Z"


async def _said(shop: Shop, path: str, **body: Any) -> Body:
    """Ask under a new request_id; the answer has a code and, when it refuses, what to do."""
    answer = (await shop.post(path, {"request_id": make.name("request"), **body})).json()
    if not answer["ok"] and answer["reason_code"] != "VALIDATION_ERROR":
        reason = REASONS[answer["reason_code"]]
        assert answer["message"] == f"{reason.meaning} {reason.remedy}"
        assert reason.remedy
    return answer


async def _family(shop: Shop, *users: str, credits_: int = 10, **sharing: Any) -> Body:
    """Let the member buy what can be shared, and name who may use it."""
    rules = Rules(sharing=Sharing(shareable=True, **sharing))
    await shop.product(FAMILY, credits_=credits_, rules=rules)
    bought = await shop.grant(FAMILY)
    for user in users:
        assert (await _shares(shop, user, name=user.title()))["ok"]
    return bought


async def _shares(shop: Shop, user: str, *, owner: str = MEMBER, **body: Any) -> Body:
    return await _said(shop, "/shares", owner_contact_id=owner, user_contact_id=user, **body)


async def _ends(shop: Shop, user: str, *, owner: str = MEMBER, **body: Any) -> Body:
    return await _said(shop, "/shares/end", owner_contact_id=owner, user_contact_id=user, **body)


async def _uses(shop: Shop, contact: str = MEMBER, **body: Any) -> Body:
    asked = {"external_contact_id": contact, "calendar_id": CALENDAR}
    return await _said(shop, "/uses", **asked, **body)


async def _books(shop: Shop, contact: str = MEMBER, **body: Any) -> Body:
    asked = {"external_contact_id": contact, "calendar_id": CALENDAR, "appointment_time": SOON}
    return await _said(shop, "/bookings", **asked, external_ref=make.name("booking"), **body)


async def test_sharing_is_allowed_listed_and_ended(shop: Shop) -> None:
    bought = await _family(shop)
    given = await _shares(
        shop, "leo", name="Leo", email="leo@example.com", entitlement_id=bought["entitlement_id"]
    )
    assert (given["reason_code"], given["owner_id"]) == ("shared", bought["contact_id"])
    mine = (await shop.get(f"/contacts/{MEMBER}/shares")).json()
    theirs = (await shop.get("/contacts/leo/shares")).json()
    assert (mine["users"], mine["owners"]) == (theirs["owners"], theirs["users"])
    (share,) = mine["users"]
    assert {name: share[name] for name in ("share_id", "user_contact_id", "user_name", "uses")} == {
        "share_id": given["share_id"],
        "user_contact_id": "leo",
        "user_name": "Leo",
        "uses": 0,
    }
    assert (await _ends(shop, "leo"))["reason_code"] == "unshared"
    assert (await shop.get(f"/contacts/{MEMBER}/shares")).json()["users"] == []
    assert (await shop.get("/contacts/nobody/shares")).status_code == 404


async def test_each_refusal_of_sharing_has_its_code(shop: Shop) -> None:
    """S12.4: self-sharing, circles, strangers, too many people, what cannot be shared."""
    plain = await shop.grant(PACKAGE)
    await _family(shop, "leo", max_users=1)
    entitlement: dict[str, Any] = {"entitlement_id": plain["entitlement_id"]}
    codes = {
        "SHARE_WITH_SELF": await _shares(shop, MEMBER),
        "SHARE_CYCLE": await _shares(shop, MEMBER, owner="leo"),
        "CONTACT_NOT_FOUND": await _shares(shop, "nobody"),
        "SHARE_LIMIT_REACHED": await _shares(shop, "zoe", name="Zoe"),
        "NOT_SHAREABLE": await _shares(shop, "leo", **entitlement),
        "NOT_SHARED": await _ends(shop, MEMBER, owner="leo"),
    }
    assert [answer["reason_code"] for answer in codes.values()] == list(codes)
    assert (await shop.get("/contacts/zoe")).status_code == 404


async def test_a_stranger_a_removed_sharer_and_another_location_use_nothing(
    shop: Shop, front: Front
) -> None:
    """S12.4."""
    await _family(shop, "leo")
    await shop.grant(external_contact_id="stranger")
    for act in (_uses, _books):
        assert (await act(shop, beneficiary_contact_id="leo"))["ok"]
        refused = await act(shop, beneficiary_contact_id="stranger")
        assert refused["reason_code"] == "NOT_SHARED"
    await _ends(shop, "leo")
    for act in (_uses, _books):
        assert (await act(shop, beneficiary_contact_id="leo"))["reason_code"] == "NOT_SHARED"
        assert (await act(shop, "leo"))["reason_code"] == "NO_ENTITLEMENT"
    assert await shop.available() == 8
    other = await front.shop()
    for path in ("/shares", "/shares/end"):
        body = {"owner_contact_id": MEMBER, "user_contact_id": "leo"}
        assert (await _said(other, path, **body))["reason_code"] == "CONTACT_NOT_FOUND"
        there = await _said(other, path, location_id=shop.id, **body)
        assert there["reason_code"] == "LOCATION_MISMATCH"
    assert (await _uses(other, beneficiary_contact_id="leo"))["reason_code"] == "CONTACT_NOT_FOUND"


async def test_a_check_takes_the_beneficiary(shop: Shop) -> None:
    """S3.1: the answer is that of the use, whoever asks."""
    await shop.grant(PACKAGE)
    await _family(shop, "leo", credits_=2)
    for amount, says in ((2, "eligible"), (3, "INSUFFICIENT_CREDITS")):
        asked: dict[str, Any] = {"beneficiary_contact_id": "leo", "amount": amount}
        checked = await shop.check(**asked)
        used = await _uses(shop, **asked, preview=True)
        assert checked["reason_code"] == says
        assert (checked["ok"], checked["balance_after"]) == (used["ok"], used["balance_after"])
        assert checked.get("short_by") == used.get("short_by")
    assert (await shop.check(amount=12))["reason_code"] == "eligible"
    unknown = await shop.check(beneficiary_contact_id="nobody")
    assert unknown["reason_code"] == "CONTACT_NOT_FOUND"
    await _ends(shop, "leo")
    assert (await shop.check(beneficiary_contact_id="leo"))["reason_code"] == "NO_ENTITLEMENT"
    both = {"external_contact_id": MEMBER, "calendar_id": CALENDAR, "explain": True}
    refused = await shop.post(
        "/entitlements/check-eligibility", both | {"beneficiary_contact_id": "leo"}
    )
    assert [each["field"] for each in refused.json()["errors"]] == ["explain"]


async def test_each_refusal_of_a_guest_has_its_code(shop: Shop) -> None:
    """S12.5: too often, known as new, the owner, nobody, without a plan for guests."""
    gus: dict[str, Any] = {"guest": {"email": "gus@example.com", "name": "Gus"}}
    await shop.grant(PACKAGE)
    assert (await _uses(shop, **gus))["reason_code"] == "GUESTS_NOT_ALLOWED"
    rules = Rules(sharing=Sharing(guests=True, new_guests_only=True, visits_per_guest=1))
    await shop.product(GUESTS, credits_=3, rules=rules)
    await shop.grant(GUESTS)
    await shop.grant(PACKAGE, external_contact_id="bea", email="bea@example.com")
    brought = await _uses(shop, **gus)
    assert (brought["reason_code"], brought["is_guest"]) == ("guest_brought", True)
    for act in (_uses, _books):
        often = await act(shop, **gus)
        assert (often["reason_code"], often["visits"]) == ("GUEST_VISITS_USED", 1)
        codes = {
            "GUEST_NOT_NEW": await act(shop, guest={"email": "Bea@Example.com"}),
            "GUEST_IS_OWNER": await act(shop, guest={"contact_id": MEMBER}),
            "CONTACT_NOT_FOUND": await act(shop, guest={"contact_id": "nobody"}),
        }
        assert [answer["reason_code"] for answer in codes.values()] == list(codes)


async def test_a_guest_becomes_a_contact_that_intro_offers_know(shop: Shop) -> None:
    """S12.5: a guest is recognised, later as a buyer, too."""
    await shop.product(GUESTS, credits_=3, rules=Rules(sharing=Sharing(guests=True)))
    await shop.grant(GUESTS)
    brought = await _uses(shop, guest={"contact_id": "gus", "name": "Gus"})
    found = (await shop.get("/contacts/gus")).json()["contact"]
    assert (found["id"], found["name"]) == (brought["beneficiary_id"], "Gus")
    (visit,) = (await shop.get("/contacts/gus/appointments/past")).json()["appointments"]
    assert (visit["is_guest"], visit["contact_id"]) == (True, brought["owner_id"])


async def test_a_preview_shares_uses_and_meets_nobody(shop: Shop) -> None:
    await shop.product(GUESTS, credits_=3, rules=Rules(sharing=Sharing(guests=True)))
    await shop.grant(GUESTS)
    await _family(shop, "leo")
    async with shop.front.untouched():
        new = {"contact_id": "gus", "name": "Gus"}
        shown = await _uses(shop, guest=new, preview=True)
        assert (shown["reason_code"], shown["balance_after"]) == ("guest_brought", 12)
        assert (await _shares(shop, "zoe", name="Zoe", preview=True))["reason_code"] == "shared"
        assert (await _ends(shop, "leo", preview=True))["reason_code"] == "unshared"
        assert (await _books(shop, "leo", preview=True))["reason_code"] == "booked"


async def test_the_same_request_shares_and_uses_once(shop: Shop) -> None:
    """S15.1."""
    await _family(shop, "leo")
    for path, body in (
        ("/uses", {"external_contact_id": "leo", "calendar_id": CALENDAR}),
        ("/shares/end", {"owner_contact_id": MEMBER, "user_contact_id": "leo"}),
    ):
        asked = {"request_id": make.name("request"), **body}
        first, again = await shop.post(path, asked), await shop.post(path, asked)
        assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
        other = await shop.post(path, asked | {"preview": False, "entitlement_id": None} | OTHER)
        assert other.status_code in {400, 409}
    assert await shop.available() == 9


OTHER = {"booked_by": "somebody else"}


async def test_two_want_the_last_credit_of_their_mother_at_once(shop: Shop) -> None:
    """S12.4: exactly one gets it, however they ask."""
    await _family(shop, "leo", "zoe", credits_=1)
    asked = [act(shop, who) for act in (_uses, _books) for who in ("leo", "zoe", MEMBER)]
    said = await asyncio.gather(*asked)
    assert sorted(answer["ok"] for answer in said) == [False] * 5 + [True]
    assert await shop.available() == 0


async def test_a_restore_of_a_shared_use_names_the_owner(shop: Shop) -> None:
    await _family(shop, "leo")
    used = await _uses(shop, "leo", external_ref="visit", appointment_time=SOON)
    refused = await shop.restore(external_ref="visit", external_contact_id="leo")
    assert (refused["reason_code"], refused["owner_contact_id"]) == ("NOTHING_TO_RESTORE", MEMBER)
    back = await shop.restore(external_ref="visit")
    assert (back["reason_code"], back["hold_id"], back["balance_after"]) == (
        "restored",
        used["hold_id"],
        10,
    )
    (seen,) = (await shop.get("/contacts/leo/appointments/past")).json()["appointments"]
    assert seen["status"] == "restored"
    again = await shop.restore(external_ref="visit", external_contact_id="leo")
    assert (again["reason_code"], "owner_contact_id" in again) == ("NOTHING_TO_RESTORE", False)


async def test_a_shared_hold_is_settled_like_any(shop: Shop) -> None:
    await _family(shop, "leo")
    held = await _uses(shop, "leo", hold=True, amount=2)
    assert (held["status"], held["balance_after"]) == ("held", 8)
    used = await _said(shop, f"/holds/{held['hold_id']}/capture", amount=3)
    assert (used["credits_captured"], used["balance_after"]) == (3, 7)


async def test_staff_names_the_lots_and_why(shop: Shop) -> None:
    """S1.6: with the permission, and a reason that is kept."""
    for _ in range(2):
        await shop.grant()
    found = (await shop.get(f"/contacts/{MEMBER}/entitlements")).json()["entitlements"]
    newest = found[0]["lots"][0]["id"]
    named: dict[str, Any] = {"lots": [newest], "lots_reason": "She asked for it."}
    used = await _uses(shop, **named)
    assert [each["lot_id"] for each in used["slices"]] == [newest]
    booked = await _books(shop, **named)
    assert [each["lot_id"] for each in booked["funding"]] == [newest]
    entries = (await shop.get(f"/contacts/{MEMBER}/ledger")).json()["entries"]
    assert [each["metadata"] for each in entries[:2]] == [{"lots_reason": "She asked for it."}] * 2
    assert (await _uses(shop, **named, amount=9))["reason_code"] == "INSUFFICIENT_CREDITS"
    strange: dict[str, Any] = named | {"lots": [found[0]["id"]]}
    assert (await _uses(shop, **strange))["reason_code"] == "LOT_NOT_USABLE"
    for path, scope in (("/uses", "deduct"), ("/bookings", "hold")):
        token = await shop.client(scope)
        body = {"request_id": make.name("request"), "external_contact_id": MEMBER} | named
        more = {"calendar_id": CALENDAR, "external_ref": "x", "appointment_time": SOON}
        refused = await shop.post(path, body | more, token=token)
        assert (refused.status_code, refused.json()["reason_code"]) == (403, "INSUFFICIENT_SCOPE")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"guest": {}}, "guest"),
        ({"guest": {"name": "Gus"}}, "guest"),
        ({"guest": {"contact_id": "gus"}, "beneficiary_contact_id": "leo"}, "guest"),
        ({"guest": {"contact_id": "gus", "age": 7}}, "guest"),
        ({"lots": []}, "lots"),
        ({"lots": ["not a uuid"], "lots_reason": "x"}, "lots"),
        ({"lots_reason": "x"}, "lots"),
        ({"lots": ["0199c0de-7a1e-7c3b-9f10-3b5e2d4c6a70"]}, "lots_reason"),
        ({"lots": ["0199c0de-7a1e-7c3b-9f10-3b5e2d4c6a70"] * 2, "lots_reason": "x"}, "lots"),
        ({"booked_by": ""}, "booked_by"),
        ({"beneficiary_contact_id": "\0"}, "beneficiary_contact_id"),
    ],
)
async def test_what_cannot_be_meant_is_refused(shop: Shop, wrong: Body, field: str) -> None:
    async with shop.front.untouched():
        for act in (_uses, _books):
            answer = await act(shop, **wrong)
            assert answer["reason_code"] == "VALIDATION_ERROR"
            assert answer["errors"][0]["field"].startswith(field), answer
