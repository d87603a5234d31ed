"""POST /batch: many operations in one request, each with its own key and its own outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from kotally.api import fields
from kotally.api.answers import OWN_WORDS, WHOLE
from kotally.api.call import Answer, Call, Decided, Invalid, Refusal, Reply, Request
from kotally.api.entitlements import CreditRequest, DeductRequest, RestoreRequest
from kotally.api.grants import GrantRequest, as_told, purchase_of
from kotally.api.outcomes import act_of, key_of, reply_to
from kotally.api.rendering import decided_body
from kotally.api.routing import ANY_SCOPE, Route
from kotally.bookings import overdue
from kotally.ledger.acts import Act, Operation, Outcome
from kotally.ledger.writer import BatchRefused
from kotally.payments import grants

OPERATIONS_MAX: Final = 500
ATTEMPTS: Final = 5  # an all-or-nothing batch is planned anew when a membership moves meanwhile


class GrantOperation(GrantRequest, frozen=True, kw_only=True, tag_field="operation", tag="grant"):
    """Report a payment."""

    location_id: fields.LocationId | None = None  # pyright: ignore[reportIncompatibleVariableOverride] - the batch names it once


class CheckOperation(CreditRequest, frozen=True, kw_only=True, tag_field="operation", tag="check"):
    """Ask what a deduction would come to at this place of the batch."""

    location_id: fields.LocationId | None = None  # pyright: ignore[reportIncompatibleVariableOverride] - the batch names it once


class DeductOperation(
    DeductRequest, frozen=True, kw_only=True, tag_field="operation", tag="deduct"
):
    """Take credits."""

    location_id: fields.LocationId | None = None  # pyright: ignore[reportIncompatibleVariableOverride] - the batch names it once


class RestoreOperation(
    RestoreRequest, frozen=True, kw_only=True, tag_field="operation", tag="restore"
):
    """Give back a deduction."""

    location_id: fields.LocationId | None = None  # pyright: ignore[reportIncompatibleVariableOverride] - the batch names it once


AnyOperation = GrantOperation | CheckOperation | DeductOperation | RestoreOperation

# What each operation is when it stands alone: the same request has the same key either way.
_ALONE: Final[dict[type[Any], tuple[Operation, type[Any]]]] = {
    GrantOperation: ("grant", GrantRequest),
    CheckOperation: ("check", CreditRequest),
    DeductOperation: ("deduct", DeductRequest),
    RestoreOperation: ("restore", RestoreRequest),
}


class BatchRequest(Request, frozen=True, kw_only=True):
    """Carry operations in the order in which they are done for each contact."""

    location_id: fields.LocationId
    operations: Annotated[
        list[AnyOperation],
        Meta(
            min_length=1,
            max_length=OPERATIONS_MAX,
            description="Each with its own request_id, and the fields of its own endpoint.",
        ),
    ]
    atomic: Annotated[bool, Meta(description="Do all of them, or none if one is refused.")] = False

    def __post_init__(self) -> None:
        """Refuse operations on another location than the batch's."""
        super().__post_init__()
        for place, operation in enumerate(self.operations):
            if operation.location_id not in (None, self.location_id):
                raise Invalid(
                    f"operations[{place}].location_id", "must be the batch's own, or left out"
                )


class Result(Struct, frozen=True):
    """Answer one operation with everything its own endpoint would answer."""

    ok: bool
    reason_code: str
    correlation_id: fields.RowId


class BatchHandled(Answer, frozen=True, kw_only=True):
    """Answer every operation, in order."""

    results: list[Result]


class NotHandled(Refusal, frozen=True, kw_only=True):
    """Say which operation stopped an all-or-nothing batch."""

    failed_at: Annotated[int, Meta(description="Its place, counted from 0.")] | UnsetType = UNSET
    results: list[Result] | UnsetType = UNSET


async def batch(call: Call[BatchRequest]) -> Reply:
    """Carry out the operations, each by itself or all together."""
    names = [_ALONE[type(operation)][0] for operation in call.request.operations]
    missing = sorted({name for name in names if name not in call.client.scopes})
    if missing:
        message = f"This batch needs the scopes {', '.join(missing)}; use a client that has them."
        return call.refuse("INSUFFICIENT_SCOPE", message=message)
    return await (_whole(call) if call.request.atomic else _each(call))


async def _each(call: Call[BatchRequest]) -> Reply:
    acts = await _acts(call)
    outcomes = await call.engine.writer.submit_all(call.request.location_id, acts)
    # A membership's periods follow each other: what overtook another is planned again, in order.
    for place, outcome in enumerate(outcomes):
        if outcome.code == overdue.STALE:
            outcomes[place] = await _again(call, place, acts[place])
    return BatchHandled(
        reason_code="batch_handled",
        correlation_id=call.correlation_id,
        results=_results(outcomes, acts),
    )


async def _whole(call: Call[BatchRequest]) -> Reply:
    standing: set[int] = set()  # the operations that are decided whatever is due
    for _ in range(ATTEMPTS):
        acts = await _acts(call)
        for place in standing:
            acts[place] = overdue.as_it_stands(acts[place])
        try:
            outcomes = await call.engine.writer.submit_whole(call.request.location_id, acts)
        except BatchRefused as refused:
            if refused.outcome.code != overdue.STALE:
                return _refused(call, refused, acts)
            if not await _caught_up(call, acts[refused.place]):
                standing.add(refused.place)
            continue
        return BatchHandled(
            reason_code="batch_handled",
            correlation_id=call.correlation_id,
            results=_results(outcomes, acts),
        )
    message = (
        "An all-or-nothing batch cannot pay the next period of a running membership; "
        "send that grant by itself."
    )
    return call.refuse("BATCH_REFUSED", message=message)


async def _acts(call: Call[BatchRequest]) -> list[Act]:
    return [await _act(call, place) for place in range(len(call.request.operations))]


async def _act(call: Call[BatchRequest], place: int) -> Act:
    name, request = _alone(call, call.request.operations[place])
    if isinstance(request, GrantRequest):
        key = key_of(call, name, request, request_id=request.request_id)
        with as_told(request, f"operations[{place}]."):
            return await grants.plan(call.engine.db, purchase_of(request), key=key)
    return act_of(call, name, request)


def _alone(call: Call[BatchRequest], operation: AnyOperation) -> tuple[Operation, Any]:
    name, kind = _ALONE[type(operation)]
    sent = {field: getattr(operation, field) for field in kind.__struct_fields__}
    return name, kind(**(sent | {"location_id": call.request.location_id}))


async def _caught_up(call: Call[BatchRequest], act_: Act) -> bool:
    db, location_id = call.engine.db, call.request.location_id
    contact_id = await overdue.behind(db, location_id, act_.external_contact_id or "")
    return contact_id is not None and await overdue.catch_up(db, location_id, contact_id) > 0


async def _again(call: Call[BatchRequest], place: int, act_: Act) -> Outcome:
    """Do again what was called stale: plan a grant anew, or do what is due of the contact first."""
    name, request = _alone(call, call.request.operations[place])
    if not isinstance(request, GrantRequest):
        db, writer = call.engine.db, call.engine.writer
        return await overdue.submit_again(db, writer, call.request.location_id, act=act_)
    key = key_of(call, name, request, request_id=request.request_id)
    engine = call.engine
    with as_told(request, f"operations[{place}]."):
        return await grants.grant(engine.db, engine.writer, purchase_of(request), key=key)


def _results(outcomes: Sequence[Outcome], acts: Sequence[Act]) -> list[Any]:
    return [
        _result(outcome, act, words=act.operation)
        for outcome, act in zip(outcomes, acts, strict=True)
    ]


def _result(outcome: Outcome, act: Act, *, words: str) -> Raw:
    reply = reply_to(outcome, act.body, operation=words)
    return Raw(decided_body(reply) if isinstance(reply, Decided) else msgspec.json.encode(reply))


def _refused(call: Call[BatchRequest], refused: BatchRefused, acts: Sequence[Act]) -> Reply:
    act, outcome = acts[refused.place], refused.outcome
    has_own_words = outcome.replayed or (act.operation, outcome.code) in OWN_WORDS
    result: Any = _result(outcome, act, words=act.operation if has_own_words else WHOLE)
    way_out = (
        "It was refused under this request_id before: send the batch with a new one for it."
        if outcome.replayed
        else "Correct it and send the batch again, with the same request_ids if you like."
    )
    return NotHandled(
        reason_code="BATCH_REFUSED",
        correlation_id=call.correlation_id,
        message=(
            f"operations[{refused.place}] was refused with {outcome.code}, so nothing was done. "
            f"{way_out}"
        ),
        failed_at=refused.place,
        results=[result],
    )


_EXAMPLE: dict[str, Any] = {
    "location_id": "loc_1",
    "operations": [
        {
            "operation": "deduct",
            "request_id": "req_1005",
            "external_contact_id": "ghl_contact_123",
            "product_config_id": "pc_package_1",
            "external_ref": "appt_790",
        },
        {
            "operation": "check",
            "external_contact_id": "ghl_contact_123",
            "calendar_id": "cal_1",
        },
    ],
}

ROUTES = (
    Route(
        method="POST",
        path="/batch",
        scope=ANY_SCOPE,
        request=BatchRequest,
        handler=batch,
        answer=BatchHandled,
        refusal=NotHandled,
        codes=("batch_handled", "BATCH_REFUSED"),
        tag="Credits",
        summary="Carry out many operations",
        description=(
            f"Up to {OPERATIONS_MAX} grants, checks, deductions and restores, each with its own "
            "`request_id` and its own outcome, in order for each contact. Needs the scope of "
            "every operation in it: `grant`, `check`, `deduct`, `restore`. With `atomic` all are "
            "done or none; of a batch that was not done no request_id is used up."
        ),
        example=_EXAMPLE,
    ),
)
