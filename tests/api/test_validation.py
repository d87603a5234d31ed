"""Bodies and queries over real HTTP: each wrong one is refused by the name of its field."""

from __future__ import annotations

import pytest

from tests.api.conftest import Caller, refused

GOOD = b'{"location_id":"loc_1","request_id":"r","external_contact_id":"c"'


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (b"", "body", "is empty"),
        (b"{", "body", "not valid JSON"),
        (b"[]", "body", "must be an object, not a list"),
        (b"null", "body", "must be an object"),
        (b"\xff", "body", "UTF-8"),
        (b'{"location_id":"\xed\xa0\x80"}', "body", "UTF-8"),
        (GOOD + b"} x", "body", "not valid JSON"),
        (GOOD + b',"amount":0}', "amount", "must be 1 or more"),
        (GOOD + b',"amount":-1}', "amount", "must be 1 or more"),
        (GOOD + b',"amount":1e3}', "amount", "must be a whole number"),
        (GOOD + b',"amount":"1"}', "amount", "must be a whole number, not text"),
        (GOOD + b',"amount":true}', "amount", "must be a whole number, not true or false"),
        (GOOD + b',"amount":1' + b"0" * 400 + b"}", "amount", ""),
        (GOOD + b',"amount":1' + b"0" * 9000 + b"}", "body", "too many digits"),
        (GOOD + b',"metadata":{"a":1' + b"0" * 9000 + b"}}", "body", "too many digits"),
        (GOOD + b',"amount":NaN}', "body", "NaN"),
        (GOOD + b',"amount":1,"amount":2}', "amount", "is sent twice"),
        (GOOD + b',"amount" : 1 ,"\\u0061mount":2}', "amount", "is sent twice"),
        (GOOD + b',"request_id":"x:y"}', "request_id", "is sent twice"),
        (GOOD + b',"metadata":{"a":{"b":1,"b":2}}}', "metadata.a.b", "is sent twice"),
        (GOOD + b',"metadata":{"a":"\\u0000"}}', "metadata.a", "NUL"),
        (GOOD + b',"metadata":{"\\u0000":1}}', "metadata.\\x00", "NUL"),
        (GOOD + b',"metadata":{"a":["\\ud800"]}}', "metadata.a[0]", "surrogate"),
        (GOOD + b',"metadata":{"a":12345678901234567890}}', "metadata.a", "out of range"),
        (GOOD + b',"metadata":{"a":1e400}}', "metadata[...]", "out of range"),
        (GOOD + b',"metadata":{"a":' + b"[" * 40 + b"]" * 40 + b"}}", "body", "deeper than 32"),
        (GOOD + b',"metadata":{"a":' + b"[" * 9000 + b"]" * 9000 + b"}}", "body", "too deeply"),
        (GOOD + b',"metadata":[]}', "metadata", "must be an object, not a list"),
        (GOOD + b',"appointment_time":"2026-04-16T09:30:00"}', "appointment_time", "an offset"),
        (GOOD + b',"appointment_time":"soon"}', "appointment_time", "ISO 8601"),
        (GOOD + b',"appointment_time":1}', "appointment_time", "ISO 8601"),
        (GOOD + b',"appointment_time":"0001-01-01T00:00:00+14:00"}', "appointment_time", "1970"),
        (GOOD + b',"appointment_time":"9999-12-31T23:59:59-14:00"}', "appointment_time", "2200"),
        (GOOD + b',"mode":"other"}', "mode", "must be one of: plain, strict"),
        (GOOD + b',"typo":1}', "typo", "is not a field of this request"),
        (b'{"location_id":"loc_1","request_id":"r"}', "external_contact_id", "ghl_contact_id"),
        (b'{"request_id":"r","ghl_contact_id":"c"}', "location_id", "is required"),
        (GOOD.replace(b'"r"', b'""') + b"}", "request_id", "must not be empty"),
        (GOOD.replace(b'"r"', b'"' + b"r" * 256 + b'"') + b"}", "request_id", "at most 255"),
        (GOOD.replace(b'"r"', b"null") + b"}", "request_id", "must be text, not null"),
    ],
)
async def test_a_wrong_body_names_the_field_and_what_is_expected(
    caller: Caller, body: bytes, field: str, words: str
) -> None:
    answer = refused(await caller.raw(body), 400, "VALIDATION_ERROR")

    assert [field] == [problem["field"] for problem in answer["errors"]]
    assert words in answer["errors"][0]["message"]
    assert field in answer["message"]


async def test_every_wrong_field_is_named_at_once(caller: Caller) -> None:
    response = await caller.raw(b'{"request_id":1,"amount":0,"typo":2}')

    fields = [problem["field"] for problem in refused(response, 400, "VALIDATION_ERROR")["errors"]]
    assert sorted(fields) == ["amount", "location_id", "request_id", "typo"]


async def test_colons_in_texts_and_escapes_are_not_taken_for_fields(caller: Caller) -> None:
    for text in ("a:b", "::", 'say "x":', "\\", "é:ü", "😀"):
        response = await caller.take(request_id=text, metadata={text: text})
        assert response.status_code == 200, text


async def test_a_wrong_item_of_a_list_is_named_by_its_place(caller: Caller) -> None:
    operations = [
        {"operation": "take", "request_id": "a"},
        {"operation": "take", "request_id": "b", "amount": 0},
        {"operation": "give", "request_id": "c"},
    ]
    body = {"location_id": "loc_1", "operations": operations}
    answer = refused(await caller.http.post("/api/v2/steps", json=body), 400, "VALIDATION_ERROR")

    assert "operations[1].amount" in [problem["field"] for problem in answer["errors"]]
    assert "operations[2].operation" in [problem["field"] for problem in answer["errors"]]


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("", "location_id", "is required"),
        ("location_id=loc_1&limit=0", "limit", "must be 1 or more"),
        ("location_id=loc_1&limit=101", "limit", "must be at most 100"),
        ("location_id=loc_1&limit=ten", "limit", "must be a whole number, not text"),
        ("location_id=loc_1&limit=", "limit", "must be a whole number, not text"),
        ("location_id=loc_1&location_id=loc_1", "location_id", "is sent twice"),
        ("location_id=loc_1&page=2", "page", "is not a field"),
        ("location_id=loc_1&as_of=1", "as_of", "ISO 8601"),
        ("location_id=loc_1&as_of=2026-01-01T00:00:00+01:00", "as_of", "%2B"),
        ("location_id=%00", "location_id", "NUL"),
        ("location_id=%ff", "query", "UTF-8"),
        ("location_id", "query", "name=value"),
        ("location_id=" + "x" * 9000, "query", "at most 8192"),
        ("&".join(f"f{n}=1" for n in range(60)), "query", "name=value"),
    ],
)
async def test_a_query_is_as_strict_as_a_body(
    caller: Caller, query: str, field: str, words: str
) -> None:
    response = await caller.get("/api/v2/contacts/c?" + query)

    answer = refused(response, 400, "VALIDATION_ERROR")
    assert answer["errors"][0]["field"] == field
    assert words in answer["errors"][0]["message"]
