"""Hostile input on every endpoint: the documented refusal, by the field's name; nothing written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import msgspec
import pytest
import structlog
from msgspec import structs

from kotally.api.call import Request
from kotally.api.contacts import ROUTES as CONTACT_ROUTES
from kotally.api.exchange import BODY_MAX
from kotally.api.fields import AMOUNT_MAX
from kotally.api.grants import METADATA_BYTES_MAX
from kotally.api.routes import ROUTES
from kotally.api.routing import Route
from kotally.core import logging
from tests.api.conftest import refused
from tests.api.front import CALENDAR, MEMBER, PACKAGE, Front, Shop, document, path_of, sample

POSTS = [route for route in ROUTES if route.method == "POST"]
EVERY = pytest.mark.parametrize("route", POSTS, ids=lambda route: route.operation_id)
READS = pytest.mark.parametrize("route", CONTACT_ROUTES, ids=lambda route: route.operation_id)

WRONG: list[Any] = [
    None, True, 0, -1, 1.5, 2**31, 2**63, 10**30, 10**400, "", " ", "x" * 256, "x" * 100_000,
    "\x00", "a\x00b", "2026-13-45", "0000-00-00T00:00:00Z", [], [None], {}, {"a": 1}, [[]],
]  # fmt: skip
# What no text column holds passes as a JSON Schema string; the door refuses it nevertheless.
UNTEXT = [r'"\u0000"', r'"a\u0000"', r'"\ud800"', r'"\udfff\ud800"', '"\xed\xa0\x80"']


@cache
def published(name: str) -> jsonschema.Draft202012Validator:
    """Give the published schema of a request; what it forbids must be refused."""
    schemas = document()["components"]["schemas"]
    return jsonschema.Draft202012Validator({**schemas[name], "components": {"schemas": schemas}})


def mutations(route: Route, good: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Make every field every kind of wrong, one at a time."""
    schema = published(route.request.__name__)
    for field in structs.fields(route.request):
        for value in WRONG:
            body = {**good, field.encode_name: value}
            if field.encode_name != "location_id" and not schema.is_valid(body):
                yield field.encode_name, body


def wire(body: Any) -> bytes:
    """Write JSON with integers of any size."""
    import json

    return json.dumps(body).encode()


async def assert_invalid(shop: Shop, route: Route, body: bytes, field: str) -> None:
    """Demand VALIDATION_ERROR that names the field, or what lies in it."""
    answer = await shop.send("POST", path_of(route), content=body)
    named = refused(answer, 400, "VALIDATION_ERROR")["errors"]
    # Of an either-or pair of which nothing is left, the first is asked for.
    allowed = (field, "body", *(group[0] for group in route.request.either if field in group))
    assert any(problem["field"].startswith(allowed) for problem in named), (body, named)


@EVERY
async def test_every_wrong_value_of_every_field_is_named(
    front: Front, shop: Shop, route: Route
) -> None:
    cases = list(mutations(route, sample(route, shop)))
    assert len(cases) > 10
    async with front.untouched():
        for field, body in cases:
            await assert_invalid(shop, route, wire(body), field)


@EVERY
async def test_text_that_cannot_be_stored_is_refused_everywhere(
    front: Front, shop: Shop, route: Route
) -> None:
    good = sample(route, shop)
    async with front.untouched():
        for field in (name for name, value in good.items() if isinstance(value, str)):
            for text in UNTEXT:
                before = wire({**good, field: "@@"})
                body = before.replace(b'"@@"', text.encode("latin-1"))
                await assert_invalid(shop, route, body, field)


@EVERY
async def test_unknown_fields_and_doubles_are_refused(
    front: Front, shop: Shop, route: Route
) -> None:
    good = sample(route, shop)
    async with front.untouched():
        for name in ("amounts", "Amount", '""', "__proto__", "é" * 300, "location_id "):
            await assert_invalid(shop, route, wire({**good, name.strip('"'): 1}), name)
        for name, value in good.items():
            twice = wire(good)[:-1] + b"," + wire({name: value})[1:]
            await assert_invalid(shop, route, twice, name)


@EVERY
async def test_every_missing_field_is_named(front: Front, shop: Shop, route: Route) -> None:
    good = sample(route, shop)
    async with front.untouched():
        for field in structs.fields(route.request):
            if field.required:
                body = {name: value for name, value in good.items() if name != field.encode_name}
                await assert_invalid(shop, route, wire(body), field.encode_name)


@EVERY
async def test_of_an_either_or_pair_neither_is_refused(
    front: Front, shop: Shop, route: Route
) -> None:
    """Neither sent, and both null, which is the same."""
    async with front.untouched():
        for group in route.request.either:
            good = {k: v for k, v in sample(route, shop).items() if k not in group}
            for body in (good, good | dict.fromkeys(group)):
                await assert_invalid(shop, route, wire(body), group[0])
            for name in group:
                await assert_invalid(shop, route, wire({**good, name: ""}), name)


MALFORMED = [
    b"", b" ", b"{", b"}", b"nul", b"null", b"[]", b"0", b'"text"', b"{'a':1}", b'{"a":1,}',
    b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"{}{}", b'{"a":NaN}', b'{"a":-Infinity}', b'{"a":01}',
    b'{"a":1}//', b"\x00", b'{"location_id":"\t"}', b"[" * 100_000, b'{"a":' * 50_000,
    b'{"location_id":' + b"[" * 500_000 + b"]" * 500_000 + b"}", b'{"a":' + b"9" * 500_000 + b"}",
    b'{"location_id":"loc_1"' + b',"a":1' * 100_000 + b"}", b"<xml/>", b"a=1&b=2",
]  # fmt: skip


@EVERY
async def test_what_is_not_a_json_object_is_refused(front: Front, shop: Shop, route: Route) -> None:
    async with front.untouched():
        for body in MALFORMED:
            refused(await shop.send("POST", path_of(route), content=body), 400, "VALIDATION_ERROR")


@EVERY
async def test_two_megabytes_are_too_much(front: Front, shop: Shop, route: Route) -> None:
    async with front.untouched():
        padded = wire(sample(route, shop)) + b" " * 2 * BODY_MAX
        refused(await shop.send("POST", path_of(route), content=padded), 413, "PAYLOAD_TOO_LARGE")


@EVERY
async def test_another_content_type_is_refused(front: Front, shop: Shop, route: Route) -> None:
    headers = {"authorization": f"Bearer {shop.token}", "content-type": "text/plain"}
    async with front.untouched():
        answer = await front.http.post(
            f"/api/v2{path_of(route)}", content=wire(sample(route, shop)), headers=headers
        )
        refused(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


def deepest(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


async def test_metadata_is_bounded_in_depth_and_size(front: Front, shop: Shop) -> None:
    grant = next(route for route in POSTS if route.path == "/grants")
    good = sample(grant, shop)
    full = {"a": "x" * (METADATA_BYTES_MAX - len('{"a":""}'))}
    async with front.untouched():
        for wrong in (deepest(40), {"a": full["a"] + "x"}, {"a": "é" * 9_000}):
            body = msgspec.json.encode({**good, "metadata": wrong})
            await assert_invalid(shop, grant, body, "metadata")

    answer = await shop.grant(metadata=full)
    assert answer["reason_code"] == "grant_applied"


@pytest.mark.parametrize("path", ["/entitlements/deduct", "/holds"])
async def test_amounts_at_the_edges(shop: Shop, path: str) -> None:
    """The largest amount is asked for and not there; one more, and nothing at all, is malformed."""
    await shop.grant()
    for amount in (11, AMOUNT_MAX - 1, AMOUNT_MAX):
        answer = await shop.do(path, calendar_id="cal_2", amount=amount)
        assert answer["reason_code"] == "INSUFFICIENT_CREDITS"
        assert answer["short_by"] == 2 * amount - 10
    for amount in (0, -1, AMOUNT_MAX + 1, -(2**63)):
        body = {"request_id": "r", "external_contact_id": MEMBER, "calendar_id": CALENDAR}
        refused(await shop.post(path, {**body, "amount": amount}), 400, "VALIDATION_ERROR")
    assert await shop.available() == 10
    await shop.assert_books()


async def test_an_unknown_calendar_is_a_mismatch_not_a_fault(shop: Shop) -> None:
    await shop.grant()
    for calendar in ("cal_9", "cal_1 ", "CAL_1", "%", "_", "'; drop table kotally.lots; --", "🎾"):
        for answer in (
            await shop.check(calendar_id=calendar),
            await shop.deduct(calendar_id=calendar),
            await shop.check(calendar_id=calendar, product_config_id=PACKAGE),
        ):
            assert answer["reason_code"] == "SERVICE_FAMILY_MISMATCH", calendar
    assert (await shop.check(calendar_id=CALENDAR, product_config_id="pc_none"))[
        "reason_code"
    ] == "SERVICE_FAMILY_MISMATCH"


NAMES = [
    "a b", "a/b", "a%2Fb", "..", ".", "a?b#c", "é", "e\u0301", "🎾🎾", "\u202e", "\ufeff", "\u2028",
    "'", '"', "\\", "\n", "\t", "\x7f", "null", "0", "a" * 255, "ünï", "%00", "<script>", "A", "a",
]  # fmt: skip


async def test_any_text_can_name_a_contact_and_no_two_texts_are_one(shop: Shop) -> None:
    """Names are compared byte by byte: no case folding, trimming, or normal forms."""
    given = {name: await shop.grant(external_contact_id=name) for name in NAMES}
    ids = {answer["contact_id"] for answer in given.values()}
    assert len(ids) == len(NAMES)

    for name, granted in given.items():
        answer = await shop.deduct(external_contact_id=name)
        assert (answer["contact_id"], answer["balance_after"]) == (granted["contact_id"], 9)
        encoded = "".join(f"%{byte:02X}" for byte in name.encode())
        read = (await shop.send("GET", f"/contacts/{encoded}?location_id={shop.id}")).json()
        assert read["contact"]["external_contact_id"] == name


QUERIES = [
    "", "location_id", "location_id=", "location_id=%00", "location_id=%ED%A0%80", "&&", "=",
    "location_id=@&location_id=@", "location_id=@&limits=1", "location_id=@&limit=0",
    "location_id=@&limit=101", "location_id=@&limit=-1", "location_id=@&limit=1.5",
    "location_id=@&limit=" + "9" * 30, "location_id=@&limit=%D9%A1", "location_id=@&cursor=",
    "location_id=@&cursor=nonsense", "location_id=@&cursor=" + "A" * 501,
    "location_id=@&cursor=AAAAAAAAAAAAAAAAAAAA", "location_id=@&as_of=yesterday",
    "location_id=@&as_of=2026-01-01", "location_id=@&as_of=2026-01-01T00:00:00",
    "location_id=@&as_of=9999-12-31T23:59:59Z", "location_id=@&as_of=0001-01-01T00:00:00Z",
    "location_id=@&" + "&".join(f"f{n}=1" for n in range(100)), "location_id=" + "x" * 9_000,
]  # fmt: skip


@READS
async def test_a_wrong_query_is_refused(front: Front, shop: Shop, route: Route) -> None:
    await shop.grant()
    path = path_of(route, lambda: MEMBER)
    names = {field.encode_name for field in structs.fields(route.request)}
    async with front.untouched():
        for query in QUERIES:
            asked = query.replace("@", shop.id)
            answer = await shop.send("GET", f"{path}?{asked}")
            problems = refused(answer, 400, "VALIDATION_ERROR")["errors"]
            assert problems[0]["field"]
        assert "cursor" not in names or (await shop.get(path, limit=100)).status_code == 200


@READS
async def test_a_path_that_is_no_name_is_refused_or_unknown(
    front: Front, shop: Shop, route: Route
) -> None:
    async with front.untouched():
        for segment in ("%00", "%FF", "%ED%A0%80", "x" * 256, "%F0%28%8C%28"):
            answer = await shop.send(
                "GET", f"{path_of(route, lambda s=segment: s)}?location_id={shop.id}"
            )
            refused(answer, 400, "VALIDATION_ERROR")
        for segment in ("'", "%25", "..%2F..", "%2e%2e", "null", "*", "%7B%7D", "a;b", "a+b"):
            answer = await shop.send(
                "GET", f"{path_of(route, lambda s=segment: s)}?location_id={shop.id}"
            )
            refused(answer, 404, "NOT_FOUND")


async def test_a_cursor_is_good_for_its_own_list_only(shop: Shop) -> None:
    await shop.grant()
    for _ in range(3):
        await shop.deduct()
    await shop.grant(external_contact_id="other")
    cursor = (await shop.get(f"/contacts/{MEMBER}/ledger", limit=1)).json()["next_cursor"]

    assert (await shop.get(f"/contacts/{MEMBER}/ledger", cursor=cursor)).status_code == 200
    for path in (f"/contacts/{MEMBER}/timeline", "/contacts/other/ledger"):
        refused(await shop.get(path, cursor=cursor), 400, "VALIDATION_ERROR")
    for wrong in (cursor[:-2], cursor[::-1], cursor.swapcase(), cursor + "=="):
        answer = await shop.get(f"/contacts/{MEMBER}/ledger", cursor=wrong)
        assert answer.status_code == (200 if wrong == cursor + "==" else 400), wrong


def test_requests_are_strict_by_their_type() -> None:
    """The parent of all requests refuses unknown fields; no child may loosen that."""
    kinds = [Request, *(route.request for route in ROUTES)]

    assert all(kind.__struct_config__.forbid_unknown_fields for kind in kinds)


def test_a_fault_shows_no_local_variables_on_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They hold tokens and bodies; where it happened is enough."""
    logging.configure(style="console")

    def fail(secret: str) -> None:
        raise RuntimeError(len(secret))

    try:
        fail("x" * 7)
    except RuntimeError:
        structlog.get_logger("kotally.tests").exception("failed")
    finally:
        logging.configure(level="warning", style="json")

    shown = capsys.readouterr().err
    assert "RuntimeError: 7" in shown
    assert "xxxxxxx" not in shown
