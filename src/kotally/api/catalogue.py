"""Write the catalogue of reasons as a page: `python -m kotally.api.catalogue`."""

from __future__ import annotations

from pathlib import Path

from kotally.api.answers import REASONS
from kotally.api.reason import HTTP_OK, Reason

PAGE = "docs/reasons.md"
_HEAD = """\
# Reason codes

Every answer of `/api/v2` begins with `ok`, `reason_code` and `correlation_id`.
A business outcome is HTTP 200; other statuses are for transport.
This page is made from `src/kotally/api/answers.py`; `GET /api/v2/reasons` answers the same.
"""


def markdown() -> str:
    """Make the page."""
    reasons = REASONS.values()
    return "\n".join(
        [
            _HEAD,
            _table("Done", [reason for reason in reasons if reason.ok]),
            _table("Refused", [r for r in reasons if not r.ok and r.status == HTTP_OK]),
            _table("Failed", [reason for reason in reasons if reason.status != HTTP_OK]),
        ]
    )


def _table(title: str, reasons: list[Reason]) -> str:
    rows = [
        f"| {reason.status} | `{reason.code}` | {reason.meaning} | {reason.remedy} "
        f"| {'yes' if reason.retryable else 'no'} |"
        for reason in reasons
    ]
    head = ["| HTTP | Code | Meaning | What to do | Try again |", "|---|---|---|---|---|"]
    return "\n".join([f"## {title}", "", *head, *rows, ""])


if __name__ == "__main__":
    Path(PAGE).write_text(markdown())
