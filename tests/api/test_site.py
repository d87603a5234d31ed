"""The pages around the API: the reference, health, metrics and static files."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import msgspec
import pytest

from kotally.api import openapi, reference, routes
from kotally.api.answers import REASONS
from kotally.api.metrics import RequestMetrics, Snapshot, snapshot
from kotally.api.sharing import Board
from kotally.db import DatabaseUnavailable
from kotally.db.migrator import SchemaError
from kotally.ledger.writer import WriterStats
from tests.api.conftest import Caller
from tests.api.toys import ROUTES

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)


async def test_the_reference_explains_every_endpoint_and_every_code(caller: Caller) -> None:
    response = await caller.get("/api/docs")

    page = response.text
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    for route in ROUTES:
        assert f"<code>{route.template}</code>" in page
    for code in REASONS:
        assert f'id="{code}"' in page
    assert page.count("curl &#34;$KOTALLY/api/v2") == len(ROUTES)
    assert "<script" not in page
    assert "style=" not in page


async def test_the_reference_is_sent_compressed_and_only_once(caller: Caller) -> None:
    """It is long: who can takes it packed, and who has it already gets nothing."""
    plain = await caller.http.get("/api/docs", headers={"accept-encoding": "identity"})
    packed = await caller.http.get("/api/docs", headers={"accept-encoding": "gzip, br"})
    tag = plain.headers["etag"]
    again = await caller.http.get("/api/docs", headers={"if-none-match": tag})
    other = await caller.http.get("/api/docs", headers={"if-none-match": 'W/"0123456789abcdef"'})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) * 4 < int(plain.headers["content-length"])
    assert packed.text == plain.text == other.text
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert {answer.headers["vary"] for answer in (plain, packed, again)} == {"Accept-Encoding"}
    assert again.headers["content-security-policy"] == CSP


async def test_the_reference_leads_to_nothing_that_is_missing(caller: Caller) -> None:
    page = (await caller.get("/api/docs")).text
    anchors = set(re.findall(r'id="([^"]+)"', page))

    for target in set(re.findall(r'(?:href|src)="([^"]+)"', page)):
        if target.startswith("#"):
            assert target[1:] in anchors
        else:
            assert (await caller.get(target)).status_code == 200, target


def test_the_reference_of_the_product_can_be_rendered() -> None:
    page = reference.page(routes.ROUTES, openapi.document(routes.ROUTES))

    assert page.count("<section") == len(routes.ROUTES) + 1


@pytest.mark.parametrize("path", ["/api/docs", "/static/tokens.css", "/healthz", "/nothing"])
async def test_every_page_carries_the_security_headers(caller: Caller, path: str) -> None:
    response = await caller.get(path)

    assert response.headers["content-security-policy"] == CSP
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"


async def test_the_root_leads_to_the_reference(caller: Caller) -> None:
    response = await caller.get("/")

    assert (response.status_code, response.headers["location"]) == (307, "/api/docs")


@pytest.mark.parametrize(
    "path", ["/nothing", "/static/nothing.css", "/static/../pages.py", "/api/v2x"]
)
async def test_an_unknown_page_is_a_404(caller: Caller, path: str) -> None:
    assert (await caller.get(path)).status_code == 404


async def test_a_living_process_says_so_even_when_it_is_not_ready(caller: Caller) -> None:
    caller.toys.fault = DatabaseUnavailable("password=secret")

    assert (await caller.get("/healthz")).json() == {"alive": True}
    response = await caller.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"ready": False, "problem": "The database cannot be reached."}


async def test_a_process_whose_database_is_old_is_not_ready(caller: Caller) -> None:
    caller.toys.fault = SchemaError("The database is at version 1.")

    response = await caller.get("/readyz")
    assert (response.status_code, response.json()["problem"]) == (
        503,
        "The database is at version 1.",
    )


async def test_a_ready_process_says_so(caller: Caller) -> None:
    response = await caller.get("/readyz")

    assert (response.status_code, response.json()) == (200, {"ready": True})
    assert response.headers["cache-control"] == "no-store"


async def test_the_metrics_count_requests_by_template(caller: Caller) -> None:
    await caller.get("/api/v2/contacts/one?location_id=loc_1")
    await caller.take(amount=0)
    await asyncio.sleep(0)
    text = (await caller.get("/metrics")).text

    labels = 'method="{}",route="/api/v2/{}",status="{}"'
    for method, path, status in (("GET", "contacts/{id}", 200), ("POST", "take", 400)):
        found = labels.format(method, path, status).replace("{{", "{")
        assert f"kotally_http_request_seconds_count{{{found}}} 1.0" in text
        assert f'kotally_http_request_seconds_bucket{{le="+Inf",{found}}} 1.0' in text
    assert "kotally_http_in_flight 0.0" in text
    assert "kotally_writer_batches_total 0.0" in text
    assert "process_resident_memory_bytes" in text


async def test_processes_share_their_counts(tmp_path: Path) -> None:
    metrics = RequestMetrics()
    metrics.observe("GET", "/a", status=200, micros=700)
    other = snapshot(metrics, WriterStats(batches=2, acts=5))
    (tmp_path / "1.json").write_bytes(msgspec.json.encode(other))
    (tmp_path / "2.json").write_bytes(b"torn")
    board = Board(lambda: snapshot(metrics, WriterStats(batches=1)), file=tmp_path / "0.json")
    async with board.publishing():
        await asyncio.sleep(0)
        samples = {
            (sample.name, sample.labels.get("le")): sample.value
            for family in board.collect()
            for sample in family.samples
        }

    assert samples["kotally_http_request_seconds_count", None] == 2
    assert samples["kotally_http_request_seconds_bucket", "0.0005"] == 0
    assert samples["kotally_http_request_seconds_bucket", "0.001"] == 2
    assert samples["kotally_writer_batches_total", None] == 3
    written = msgspec.json.decode((tmp_path / "0.json").read_bytes(), type=Snapshot)
    assert written.writer.batches == 1
