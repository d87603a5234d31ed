"""The catalogue of reasons, and the page made from it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args

import pytest

from kotally.api.answers import REASONS, STATUS, sentence
from kotally.api.catalogue import PAGE, markdown
from kotally.api.entitlements import Verdict
from kotally.api.routes import ROUTES
from kotally.api.routing import Route
from tests.api.conftest import Caller

SOURCES = sorted(Path("src/kotally/api").rglob("*.py"))
FUNCTIONS = Path("src/kotally/sql/functions")
SQL_CODE = re.compile(r"'([A-Z][A-Z_]{2,})'")
NO_ANSWERS = {"STALE", "UTC"}  # what asks for another try inside, and a time zone
CODE_LIKE = re.compile(r"[A-Z]{2,}(_[A-Z]+)+")


def test_successes_are_lower_case_and_refusals_upper_case() -> None:
    for code, reason in REASONS.items():
        assert code == (code.lower() if reason.ok else code.upper())
        assert not reason.ok or reason.status == 200


def test_every_reason_says_what_it_means_and_what_to_do() -> None:
    for reason in REASONS.values():
        for text in (reason.meaning, reason.remedy):
            assert text[0].isupper(), reason.code
            assert text.endswith("."), reason.code


def test_the_statuses_are_those_of_the_contract() -> None:
    assert {code: status for code, status in STATUS.items() if status != 200} == {
        "VALIDATION_ERROR": 400,
        "UNAUTHORIZED": 401,
        "INSUFFICIENT_SCOPE": 403,
        "LOCATION_MISMATCH": 403,
        "LOCATION_INACTIVE": 403,
        "NOT_FOUND": 404,
        "METHOD_NOT_ALLOWED": 405,
        "REQUEST_TIMEOUT": 408,
        "REQUEST_IN_PROGRESS": 409,
        "IDEMPOTENCY_CONFLICT": 409,
        "PAYLOAD_TOO_LARGE": 413,
        "UNSUPPORTED_MEDIA_TYPE": 415,
        "RATE_LIMITED": 429,
        "INTERNAL_ERROR": 500,
        "UNAVAILABLE": 503,
    }


def test_only_what_may_succeed_unchanged_is_worth_trying_again() -> None:
    assert {code for code, reason in REASONS.items() if reason.retryable} == {
        "REQUEST_TIMEOUT",
        "REQUEST_IN_PROGRESS",
        "RATE_LIMITED",
        "INTERNAL_ERROR",
        "UNAVAILABLE",
    }


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_every_code_of_a_route_is_in_the_catalogue(route: Route) -> None:
    assert set(route.codes) <= set(REASONS)
    assert len(set(route.codes)) == len(route.codes)


def test_every_code_written_in_the_api_is_in_the_catalogue() -> None:
    found = {
        node.value
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if CODE_LIKE.fullmatch(node.value)
    }

    assert found - set(REASONS) == set()


def codes_in(*functions: Path) -> set[str]:
    return {code for path in functions for code in SQL_CODE.findall(path.read_text())}


def test_every_code_the_kernel_can_give_is_in_the_catalogue() -> None:
    found = codes_in(*FUNCTIONS.glob("*.sql"))

    assert found - set(REASONS) - NO_ANSWERS == set()
    assert found >= NO_ANSWERS


def test_every_verdict_of_explain_is_named_by_its_type() -> None:
    """Where it is decided, and where each has its nearest fix."""
    deciding = ("explain", "lot_verdict", "plan_explained", "other_product")
    decided = codes_in(*(FUNCTIONS / f"{name}.sql" for name in deciding))

    assert decided | {"eligible"} == set(get_args(Verdict))
    assert decided == codes_in(FUNCTIONS / "nearest_fix.sql")


def test_the_page_is_the_one_made_from_the_catalogue() -> None:
    expected = "run: .venv/bin/python -m kotally.api.catalogue"

    assert Path(PAGE).read_text() == markdown(), expected


def test_a_sentence_says_what_happened_and_what_to_do() -> None:
    assert sentence("NOT_FOUND").count(".") == 2


async def test_the_catalogue_is_read_without_a_token(caller: Caller) -> None:
    caller.http.headers.pop("authorization")
    response = await caller.get("/api/v2/reasons")

    answer = response.json()
    assert list(answer) == ["ok", "reason_code", "correlation_id", "reasons"]
    assert [reason["code"] for reason in answer["reasons"]] == list(REASONS)
    assert "ratelimit-limit" in response.headers
