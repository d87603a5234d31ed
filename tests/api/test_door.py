"""The door over real HTTP: who gets in, what is refused, and in which words."""

from __future__ import annotations

import asyncio
import io
import re
import signal
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest

from kotally.api import watchdog
from kotally.api.call import Client
from kotally.api.exchange import BODY_MAX
from kotally.api.fields import AMOUNT_MAX
from kotally.core import logging
from tests.api.conftest import BODY, Caller, refused, serving
from tests.api.toys import FIRST_TIME, TOKEN, ToyClient, Toys

GOOD = b'{"location_id":"loc_1","request_id":"r","external_contact_id":"c"'
RATES = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


async def test_a_good_request_is_answered_in_the_documented_form(caller: Caller) -> None:
    response = await caller.take(amount=3)

    assert response.status_code == 200
    answer = response.json()
    assert list(answer) == ["ok", "reason_code", "correlation_id", "balance_after", "lot_id"]
    assert answer["ok"] is True
    assert answer["balance_after"] == 7
    assert UUID(answer["correlation_id"]).version == 7
    assert response.headers["x-correlation-id"] == answer["correlation_id"]
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert [tuple(response.headers[name] for name in RATES)] == [("2000", "1999", "1")]
    assert "idempotent-replayed" not in response.headers


async def test_a_replayed_answer_says_so_and_keeps_its_first_correlation_id(caller: Caller) -> None:
    response = await caller.take(request_id="again")

    assert response.headers["idempotent-replayed"] == "true"
    assert response.headers["x-correlation-id"] == str(FIRST_TIME)
    assert response.json()["correlation_id"] == str(FIRST_TIME)
    assert "replayed" not in response.text


async def test_a_business_refusal_is_200_with_what_the_handler_adds(caller: Caller) -> None:
    response = await caller.take(amount=AMOUNT_MAX)

    assert refused(response, 200, "INSUFFICIENT_CREDITS")["short_by"] == 1


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer nonsense",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN} {TOKEN}",
        f"Bearer {TOKEN[:41]}",
    ],
)
async def test_what_is_not_a_token_never_reaches_the_directory(
    caller: Caller, header: str | None
) -> None:
    caller.http.headers.pop("authorization")
    headers = {} if header is None else {"authorization": header}
    response = await caller.http.post("/api/v2/take", json=BODY, headers=headers)

    refused(response, 401, "UNAUTHORIZED")
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["ratelimit-limit"] == "2000"
    assert caller.toys.asked == []


async def test_the_scheme_of_a_token_may_be_written_in_any_case(caller: Caller) -> None:
    headers = {"authorization": f"bEARER {TOKEN}"}
    response = await caller.http.post("/api/v2/take", json=BODY, headers=headers)

    assert response.status_code == 200
    assert caller.toys.asked == [(TOKEN[5:41], TOKEN[42:])]


async def test_two_authorization_headers_are_none(caller: Caller) -> None:
    answer = await speak(
        caller.port,
        b"GET /api/v2/contacts/c?location_id=loc_1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        + f"authorization: Bearer {TOKEN}\r\n".encode() * 2
        + b"\r\n",
    )

    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_an_unknown_token_is_unauthorized(caller: Caller) -> None:
    caller.toys.client = None

    refused(await caller.take(), 401, "UNAUTHORIZED")


async def test_a_token_without_the_scope_is_told_which(caller: Caller) -> None:
    response = await caller.http.post("/api/v2/grants", json=BODY)

    assert "`grant`" in refused(response, 403, "INSUFFICIENT_SCOPE")["message"]


async def test_another_location_is_refused_in_body_and_query(caller: Caller) -> None:
    refused(await caller.take(location_id="loc_2"), 403, "LOCATION_MISMATCH")
    response = await caller.get("/api/v2/contacts/c?location_id=loc_2")
    refused(response, 403, "LOCATION_MISMATCH")


async def test_a_location_that_is_not_active_is_refused(caller: Caller) -> None:
    caller.toys.client = ToyClient(location_active=False)

    refused(await caller.take(), 403, "LOCATION_INACTIVE")


@pytest.mark.parametrize(
    "path", ["/api/v2", "/api/v2/", "/api/v2/nothing", "/api/v2/take/", "/api/v2/contacts/a/b/c"]
)
async def test_an_unknown_route_is_not_found(caller: Caller, path: str) -> None:
    response = await caller.get(path)

    refused(response, 404, "NOT_FOUND")
    assert "ratelimit-limit" in response.headers


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/take", "OPTIONS, POST"),
        ("DELETE", "/take", "OPTIONS, POST"),
        ("POST", "/contacts/c", "GET, HEAD, OPTIONS"),
        ("TRACE", "/contacts/c", "GET, HEAD, OPTIONS"),
    ],
)
async def test_another_method_is_told_which_are_allowed(
    caller: Caller, method: str, path: str, allow: str
) -> None:
    response = await caller.http.request(method, "/api/v2" + path)

    refused(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == allow


async def test_options_names_the_methods_without_a_body(caller: Caller) -> None:
    response = await caller.http.options("/api/v2/contacts/c")

    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_head_is_get_without_its_body(caller: Caller) -> None:
    path = "/api/v2/contacts/c?location_id=loc_1"
    full, head = await caller.get(path), await caller.http.head(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == full.headers["content-length"]


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
async def test_what_does_not_say_it_is_json_is_refused(caller: Caller, content_type: str) -> None:
    refused(await caller.raw(GOOD + b"}", content_type), 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "content_type", ["application/json;charset=utf-8", "Application/JSON; charset=UTF-8"]
)
async def test_json_may_name_its_charset(caller: Caller, content_type: str) -> None:
    assert (await caller.raw(GOOD + b"}", content_type)).status_code == 200


async def test_a_compressed_body_is_refused(caller: Caller) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    response = await caller.http.post("/api/v2/take", content=b"x", headers=headers)

    refused(response, 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_body_of_two_megabytes_is_refused_and_the_next_request_works(
    caller: Caller,
) -> None:
    response = await caller.raw(b" " * (2 * BODY_MAX))

    refused(response, 413, "PAYLOAD_TOO_LARGE")
    assert response.headers["connection"] == "close"
    assert (await caller.take()).status_code == 200


async def test_a_large_body_without_its_length_is_refused(caller: Caller) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    headers = {"content-type": "application/json"}
    response = await caller.http.post("/api/v2/take", content=chunks(), headers=headers)

    refused(response, 413, "PAYLOAD_TOO_LARGE")


async def test_a_body_of_exactly_the_limit_is_read(caller: Caller) -> None:
    body = GOOD + b"}"

    assert (await caller.raw(body + b" " * (BODY_MAX - len(body)))).status_code == 200


async def test_a_body_may_come_in_pieces(caller: Caller) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in GOOD + b"}":
            yield bytes([byte])

    headers = {"content-type": "application/json"}
    response = await caller.http.post("/api/v2/take", content=pieces(), headers=headers)

    assert response.status_code == 200


async def test_a_post_takes_no_query(caller: Caller) -> None:
    response = await caller.http.post("/api/v2/take?location_id=loc_1", json=BODY)

    assert refused(response, 400, "VALIDATION_ERROR")["errors"][0]["field"] == "query"


async def test_a_path_parameter_is_decoded_after_it_was_parted(caller: Caller) -> None:
    response = await caller.get("/api/v2/contacts/a%2Fb%20%C3%A9?location_id=loc_1&limit=7")

    assert response.json()["id"] == "a/b é"
    assert response.json()["limit"] == 7


@pytest.mark.parametrize("segment", ["%00", "%ff", "x" * 256])
async def test_a_path_parameter_that_cannot_be_is_refused(caller: Caller, segment: str) -> None:
    response = await caller.get(f"/api/v2/contacts/{segment}?location_id=loc_1")

    assert refused(response, 400, "VALIDATION_ERROR")["errors"][0]["field"] == "id"


async def test_a_handler_can_say_not_found(caller: Caller) -> None:
    refused(await caller.get("/api/v2/contacts/nobody?location_id=loc_1"), 404, "NOT_FOUND")


async def test_a_handler_can_refuse_a_field(caller: Caller) -> None:
    answer = refused(await caller.take(request_id="invalid"), 400, "VALIDATION_ERROR")

    assert answer["errors"] == [{"field": "product_config_id", "message": "is archived"}]


@pytest.mark.parametrize("request_id", ["boom", "unknown-code"])
async def test_a_fault_is_a_500_that_tells_nothing_but_its_id(
    caller: Caller, request_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.configure(style="json")
    response = await caller.take(request_id=request_id)

    answer = refused(response, 500, "INTERNAL_ERROR")
    assert "secret" not in response.text
    log = capsys.readouterr().err
    assert answer["correlation_id"] in log
    assert "Traceback" in log


async def test_a_database_that_is_away_is_a_503_to_try_again(caller: Caller) -> None:
    response = await caller.take(request_id="away")

    refused(response, 503, "UNAVAILABLE")
    assert response.headers["retry-after"] == "1"


async def test_a_request_in_progress_says_when_to_come_back(caller: Caller) -> None:
    response = await caller.take(request_id="busy")

    refused(response, 409, "REQUEST_IN_PROGRESS")
    assert response.headers["retry-after"] == "1"


async def test_a_client_over_its_rate_is_told_when_to_come_back(caller: Caller) -> None:
    caller.toys.client = ToyClient(rate=2)
    responses = [await caller.take() for _ in range(5)]

    assert [response.status_code for response in responses] == [200] * 4 + [429]
    refused(responses[4], 429, "RATE_LIMITED")
    assert responses[4].headers["retry-after"] == "1"
    assert [response.headers["ratelimit-remaining"] for response in responses] == [
        "3",
        "2",
        "1",
        "0",
        "0",
    ]


async def test_a_body_that_does_not_come_is_given_up(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kotally.api.door.BODY_NS", 1)
    monkeypatch.setattr(watchdog, "TICK_SECONDS", 0)
    head = (
        f"POST /api/v2/take HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n"
        "content-type: application/json\r\ncontent-length: 100\r\n\r\n{"
    )
    answer = await speak(caller.port, head.encode())

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"REQUEST_TIMEOUT" in answer


async def test_a_handler_that_hangs_is_stopped(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kotally.api.door.HANDLER_NS", 20_000_000_000)
    monkeypatch.setattr("kotally.api.watchdog.TICK_SECONDS", 0)
    clock = iter(range(0, 10**15, 15_000_000_000))
    monkeypatch.setattr("kotally.api.watchdog.monotonic_ns", lambda: next(clock) + 10**18)
    response = await caller.take(request_id="stuck")

    refused(response, 503, "UNAVAILABLE")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
        b"POST /api/v2/take HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        (
            b"POST /api/v2/take HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n"
            b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
    ],
)
async def test_what_is_not_http_is_refused_in_the_same_form(
    caller: Caller, request_bytes: bytes
) -> None:
    answer = await speak(caller.port, request_bytes)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert msgspec.json.decode(body)["reason_code"] == "VALIDATION_ERROR"


async def test_a_head_that_trickles_is_hung_up(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kotally.api.protocol.HEAD_SECONDS_MAX", 0)

    assert await speak(caller.port, b"GET / HTTP/1.1\r\nhost:") == b""


async def test_requests_on_one_connection_are_answered_in_order(caller: Caller) -> None:
    request = (
        f"GET /api/v2/contacts/%s?location_id=loc_1 HTTP/1.1\r\nhost: x\r\n"
        f"authorization: Bearer {TOKEN}\r\n"
    ).encode()
    answer = await speak(
        caller.port,
        request % b"one" + b"\r\n" + request % b"two" + b"connection: close\r\n\r\n",
    )

    assert re.findall(rb'"id":"(\w+)"', answer) == [b"one", b"two"]


async def test_one_wide_line_is_logged_without_secrets(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    logging.configure(style="json")
    lines = io.BytesIO()
    monkeypatch.setattr(logging._Output, "stream", lines)
    answer = (await caller.take()).json()
    await asyncio.sleep(0)

    line = msgspec.json.decode(lines.getvalue())
    assert line.pop("at").endswith("Z")
    assert line.pop("duration_us") > 0
    assert line == {
        "level": "info",
        "event": "request",
        "method": "POST",
        "route": "/api/v2/take",
        "status": 200,
        "reason_code": "deducted",
        "client_id": TOKEN[5:41],
        "location_id": "loc_1",
        "correlation_id": answer["correlation_id"],
    }
    assert TOKEN[42:].encode() not in lines.getvalue()


async def test_every_request_is_counted_by_its_template(caller: Caller) -> None:
    await caller.get("/api/v2/contacts/one?location_id=loc_1")
    await caller.get("/api/v2/contacts/two?location_id=loc_1")
    await caller.get("/api/v2/whatever")
    await asyncio.sleep(0)

    counts = {key: sum(row[:-1]) for key, row in caller.toys.metrics.series.items()}
    assert counts == {("GET", "/api/v2/contacts/{id}", 200): 2, ("other", "unknown", 404): 1}


def test_the_toy_client_is_a_client() -> None:
    client: Client = ToyClient()

    assert client.rate == 0


async def speak(port: int, request: bytes) -> bytes:
    """Send bytes and read until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


async def test_what_was_accepted_is_finished_before_the_parts_are_closed() -> None:
    toys = Toys()
    async with serving(toys) as caller:
        slow = asyncio.create_task(caller.take(request_id="slow"))
        await asyncio.sleep(0.3)
        assert toys.metrics.in_flight == 1
        signal.raise_signal(signal.SIGTERM)
        response = await slow

        assert response.status_code == 200
        assert response.headers["connection"] == "close"
        assert not toys.closed
    assert toys.closed
