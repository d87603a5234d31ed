"""Describe what all operations share in the OpenAPI document: headers, and answers that fail."""

from __future__ import annotations

from typing import Any

from kotally.api.answers import REASONS, sentence
from kotally.api.reason import HTTP_OK, Reason

Schema = dict[str, Any]

_INTEGER = {"type": "integer", "minimum": 0}
_EXAMPLE_ID = "0199c0de-7a1e-7c3b-9f10-3b5e2d4c6a70"

HEADERS: dict[str, Schema] = {
    "X-Correlation-Id": {
        "description": "The id of this answer; the same as in the body and in our logs.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "RateLimit-Limit": {
        "description": "How many requests may be sent at once.",
        "schema": _INTEGER,
    },
    "RateLimit-Remaining": {
        "description": "How many of these are left.",
        "schema": _INTEGER,
    },
    "RateLimit-Reset": {
        "description": "In how many seconds all are there again.",
        "schema": _INTEGER,
    },
    "Retry-After": {
        "description": "After how many seconds to try again.",
        "schema": _INTEGER,
    },
    "Idempotent-Replayed": {
        "description": "Present when this is the answer of an earlier, equal request.",
        "schema": {"enum": ["true"]},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": {"enum": ["Bearer"]},
    },
}
_ALWAYS = ("X-Correlation-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_WITH_STATUS = {
    401: ("WWW-Authenticate",),
    409: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


def outcome_headers(*, replayable: bool = False) -> Schema:
    """Name the headers of a 200."""
    return _headers(*_ALWAYS, *(("Idempotent-Replayed",) if replayable else ()))


def error_responses() -> dict[str, Schema]:
    """Describe each failing status once, with all its codes."""
    by_status: dict[int, list[Reason]] = {}
    for reason in REASONS.values():
        if reason.status != HTTP_OK:
            by_status.setdefault(reason.status, []).append(reason)
    return {f"Status{status}": _error(status, reasons) for status, reasons in by_status.items()}


def _error(status: int, reasons: list[Reason]) -> Schema:
    codes = [reason.code for reason in reasons]
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Refusal"},
            {"properties": {"ok": {"const": False}, "reason_code": {"enum": codes}}},
        ]
    }
    examples = {
        reason.code: {"summary": reason.meaning, "value": _value(reason)} for reason in reasons
    }
    return {
        "description": " ".join(reason.meaning for reason in reasons),
        "headers": _headers(*_ALWAYS, *_WITH_STATUS.get(status, ())),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def _value(reason: Reason) -> Schema:
    value: Schema = {
        "ok": False,
        "reason_code": reason.code,
        "correlation_id": _EXAMPLE_ID,
        "message": sentence(reason.code),
    }
    if reason.code == "VALIDATION_ERROR":
        value["message"] = "amount must be 1 or more; nothing was written."
        value["errors"] = [{"field": "amount", "message": "must be 1 or more"}]
    return value


def _headers(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
