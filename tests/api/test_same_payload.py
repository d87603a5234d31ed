"""S15.1: what means the same is one payload, however it is written; for every route's request."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from msgspec import NODEFAULT, UNSET, Struct

from kotally.api import openapi, routes
from kotally.api.fields import CONTACT
from kotally.api.outcomes import named_once
from kotally.api.routing import Route
from kotally.api.validation import BodyDecoder
from kotally.ledger.acts import digest
from tests.api.conftest import refused
from tests.api.front import CALENDAR, MEMBER, PACKAGE, Body, Shop

REMEMBERED = [
    route
    for route in routes.ROUTES
    if "request_id" in route.request.__struct_fields__ and route.method == "POST"
]
EVERY = pytest.mark.parametrize("route", REMEMBERED, ids=lambda route: route.operation_id)
ELSEWHERE = timezone(timedelta(hours=1))
GRANT: Body = {
    "request_id": "r1",
    "external_contact_id": MEMBER,
    "product_config_id": PACKAGE,
    "external_payment_id": "pay_1",
}


def digest_of(route: Route, body: Body) -> tuple[bytes, str]:
    return digest("any", named_once(BodyDecoder(route.request).decode(msgspec.json.encode(body))))


def example(route: Route) -> Body:
    operation = openapi.document([route])["paths"][route.template]["post"]
    return dict(operation["requestBody"]["content"]["application/json"]["example"])


def defaults(kind: type[Struct]) -> Body:
    """Spell every default out, but what cannot be sent."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        made = field.default_factory
        value = field.default if made is NODEFAULT else made()
        if value is not NODEFAULT and value is not UNSET:
            found[field.encode_name] = value
    return found


@EVERY
def test_a_default_written_out_is_the_same_payload(route: Route) -> None:
    spelled = defaults(route.request)
    body = {name: value for name, value in example(route).items() if spelled.get(name) is None}

    assert digest_of(route, spelled | body) == digest_of(route, body)


@EVERY
def test_an_instant_is_the_same_with_every_offset(route: Route) -> None:
    body = example(route)
    turned = {name: elsewhere(value) for name, value in body.items()}

    assert digest_of(route, turned) == digest_of(route, body)


@EVERY
def test_a_contact_is_the_same_by_both_names(route: Route) -> None:
    body = example(route)
    if CONTACT[1] in route.request.__struct_fields__:
        contact = body.pop(CONTACT[0])
        body.pop(CONTACT[1], None)
        by_each = [{**body, name: contact} for name in CONTACT]

        assert digest_of(route, by_each[0]) == digest_of(route, by_each[1])
        assert digest_of(route, by_each[0] | {CONTACT[1]: "other"}) == digest_of(route, by_each[0])


def elsewhere(value: Any) -> Any:
    if isinstance(value, str) and value.endswith("Z") and "T" in value:
        return datetime.fromisoformat(value).astimezone(ELSEWHERE).isoformat()
    return value


@pytest.mark.parametrize(
    "spelled",
    [
        {"provider": "automation"},
        {"event_type": "payment_confirmed"},
        {"paid_at": "2026-11-01T11:00:00+01:00"},
        {"external_contact_id": None, "ghl_contact_id": MEMBER},
    ],
    ids=lambda spelled: next(iter(reversed(spelled))),
)
@pytest.mark.parametrize("turned", [False, True])
async def test_a_grant_written_otherwise_is_repeated(
    shop: Shop, spelled: Body, *, turned: bool
) -> None:
    plain = {**GRANT, "paid_at": "2026-11-01T10:00:00Z"}
    bodies = [plain, plain | spelled]
    first, again = bodies[::-1] if turned else bodies
    granted = await shop.post("/grants", first)

    answer = await shop.post("/grants", again)

    assert granted.json()["ok"] is True
    assert (answer.status_code, answer.content) == (200, granted.content)
    assert answer.headers["idempotent-replayed"] == "true"


async def test_a_conflict_names_an_instant_and_a_contact_that_differ(shop: Shop) -> None:
    body: Body = {
        "request_id": "r1",
        "ghl_contact_id": MEMBER,
        "calendar_id": CALENDAR,
        "appointment_time": "2026-12-01T10:00:00Z",
    }
    await shop.post("/entitlements/deduct", body)

    for change in ({"appointment_time": "2026-12-01T10:00:00+01:00"}, {"ghl_contact_id": "other"}):
        answer = await shop.post("/entitlements/deduct", body | change)
        [error] = refused(answer, 409, "IDEMPOTENCY_CONFLICT")["errors"]
        assert next(iter(change)) in f"{error['field']} {error['message']}"
