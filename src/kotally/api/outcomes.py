"""From a request to the act it asks for, and from the kernel's outcome to the answer."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from kotally.api.answers import REASONS
from kotally.api.call import Call, Decided, Problem, Reply, refusal
from kotally.api.fields import CONTACT
from kotally.ledger.acts import Act, Key, Operation, Outcome, act, digest

_CONFLICT: Final = "IDEMPOTENCY_CONFLICT"
_DIFFERS: Final = "differs from the first request with this request_id"
_DIFFERS_TWO: Final = f"(or {CONTACT[1]}) {_DIFFERS}"
# Codes of the kernel that the catalogue does not have are faults of ours.
_KNOWN: Final = frozenset(REASONS)


def key_of(call: Call[Any], operation: str, request: Struct, *, request_id: str | None) -> Key:
    """Name a request, so that the same one always gets the same answer (S15.1)."""
    hash_, body = digest(operation, named_once(request))
    return Key(request_id, hash_, body, call.correlation_id, "api", f"client:{call.client.id}")


def named_once(request: Struct) -> Struct:
    """Name the contact by the first of its two names, whichever was sent."""
    other = getattr(request, CONTACT[1], None)
    if other is None:
        return request
    first = getattr(request, CONTACT[0]) or other
    return msgspec.structs.replace(request, **{CONTACT[0]: first, CONTACT[1]: None})


def act_of(call: Call[Any], operation: Operation, request: Any, **fields: Any) -> Act:  # noqa: ANN401 - every request struct
    """Make the act of a request about credits; `fields` add to or replace the request's own."""
    key = key_of(call, operation, request, request_id=getattr(request, "request_id", None))
    shared = {
        "external_contact_id": request.external_contact_id or request.ghl_contact_id,
        "product_config_id": request.product_config_id,
        "calendar_id": request.calendar_id,
        "amount": request.amount,
        "appointment_at": request.appointment_time,
        "external_ref": getattr(request, "external_ref", None),
    }
    return act(operation, key, **(shared | fields))


def reply_to(outcome: Outcome, body: str | None, *, operation: str | None = None) -> Reply:
    """
    Answer with what the kernel decided; a conflict names the fields that differ.

    `operation` is told where a code needs other words than everywhere else.
    """
    if outcome.code == _CONFLICT:
        return refusal(
            _CONFLICT, outcome.correlation_id, errors=_differences(outcome.answer, body or "{}")
        )
    assert outcome.code in _KNOWN, outcome.code
    return Decided(
        outcome.code, outcome.correlation_id, outcome.answer, outcome.replayed, operation
    )


def _differences(answer: str, body: str) -> list[Problem]:
    first = msgspec.json.decode(answer)
    before, now = first["body"], msgspec.json.decode(body)
    problems = [
        Problem(name, _DIFFERS_TWO if name == CONTACT[0] else _DIFFERS)
        for name in [*now, *(name for name in before if name not in now)]
        if before.get(name) != now.get(name)
    ]
    return problems or [Problem("request_id", f"was first used for `{first['operation']}`")]
