"""POST /payments/{id}/refund, /dispute and /quote: what happens after a payment (S10)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from kotally.api import fields
from kotally.api.call import Call, Invalid, Reply, Request
from kotally.api.money_answers import (
    Disputed,
    NotRefunded,
    NotUnblocked,
    Quoted,
    Tallied,
    Unblocked,
)
from kotally.api.outcomes import key_of, reply_to
from kotally.api.routing import Route
from kotally.bookings import overdue
from kotally.ledger.acts import Key
from kotally.payments import disputes, quotes, refunds, unblocking
from kotally.payments.refunds import Refund

Preview = Annotated[
    bool, Meta(description="Answer what would happen, by the same code, and do nothing.")
]
Reference = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=fields.ID_LENGTH_MAX,
        description="The provider's own id; the same one counts once.",
        examples=["re_123"],
    ),
]


class PaymentRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Act on a payment; its id is the `payment_id` of the grant."""

    location_id: fields.LocationId
    request_id: fields.RequestId


class RefundRequest(PaymentRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Report a refund; without a figure, of all that is left."""

    amount_cents: (
        Annotated[
            int, Meta(ge=1, le=fields.CENTS_MAX, description="This refund alone.", examples=[3300])
        ]
        | None
    ) = None
    refunded_total_cents: (
        Annotated[
            int,
            Meta(
                ge=0, le=fields.CENTS_MAX, description="All refunds so far; repeats are harmless."
            ),
        ]
        | None
    ) = None
    external_refund_id: Reference | None = None
    policy: (
        Annotated[
            Literal["proportional", "full_on_any_refund", "none", "manual"],
            Meta(description="Instead of the product config's own rule."),
        ]
        | None
    ) = None
    credits: (
        Annotated[
            int,
            Meta(ge=0, le=fields.AMOUNT_MAX, description="Credits to have taken back in all."),
        ]
        | None
    ) = None
    shortfall: (
        Annotated[
            Literal["debt", "write_off", "block"],
            Meta(description="What of used credits, instead of the product config's own rule."),
        ]
        | None
    ) = None
    preview: Preview = False

    def __post_init__(self) -> None:
        """Take one figure, not two."""
        super().__post_init__()
        if self.amount_cents is not None and self.refunded_total_cents is not None:
            raise Invalid("refunded_total_cents", "cannot be sent together with amount_cents")


class DisputeRequest(PaymentRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Report what became of a dispute."""

    event: Literal["opened", "won", "lost"]
    external_dispute_id: Reference = disputes.ONLY_DISPUTE
    preview: Preview = False


class QuoteRequest(PaymentRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Ask what a refund would be."""

    drop_in_cents: Annotated[
        fields.Cents | None, Meta(description="What one class costs by itself.")
    ] = None
    fee_cents: Annotated[fields.Cents | None, Meta(description="What is kept for the work.")] = None


class UnblockRequest(PaymentRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Lift the block that a refund of used credits brought."""

    note: Annotated[
        str,
        Meta(
            min_length=1, max_length=fields.TEXT_LENGTH_MAX, description="What the staff decided."
        ),
    ]
    preview: Preview = False


async def refund(call: Call[RefundRequest]) -> Reply:
    """Take back the credits of a refunded payment."""
    request = call.request
    id_, key = _named(call, "refund")
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_)
    wanted = Refund(
        amount_cents=request.amount_cents,
        refunded_total_cents=request.refunded_total_cents,
        external_refund_id=request.external_refund_id,
        policy=request.policy,
        credits=request.credits,
        shortfall=request.shortfall,
    )
    outcome = await refunds.refund(
        call.engine.db, request.location_id, id_, wanted=wanted, key=key, preview=request.preview
    )
    return reply_to(outcome, key.body)


async def dispute(call: Call[DisputeRequest]) -> Reply:
    """Suspend the credits of a disputed payment, and give them back or take them."""
    request = call.request
    id_, key = _named(call, "dispute")
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_)
    outcome = await disputes.dispute(
        call.engine.db,
        request.location_id,
        id_,
        event=request.event,
        external_dispute_id=request.external_dispute_id,
        key=key,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


async def quote(call: Call[QuoteRequest]) -> Reply:
    """Quote a refund each way."""
    request = call.request
    id_, key = _named(call, "quote")
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_)
    outcome = await quotes.quote(
        call.engine.db,
        request.location_id,
        id_,
        drop_in_cents=request.drop_in_cents,
        fee_cents=request.fee_cents,
        key=key,
    )
    return reply_to(outcome, key.body)


async def unblock(call: Call[UnblockRequest]) -> Reply:
    """Lift the block of a payment's contact."""
    request = call.request
    id_, key = _named(call, "unblock")
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_)
    outcome = await unblocking.lift(
        call.engine.db,
        request.location_id,
        id_,
        note=request.note,
        key=key,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


def _named(call: Call[Any], operation: str) -> tuple[UUID, Key]:
    try:
        id_ = UUID(call.path["id"])
    except ValueError as fault:
        raise Invalid("id", "must be the payment_id of a grant, a uuid") from fault
    request = call.request
    return id_, key_of(call, f"{operation} {id_}", request, request_id=request.request_id)


_ALWAYS = ("PAYMENT_NOT_FOUND", "REQUEST_IN_PROGRESS", "IDEMPOTENCY_CONFLICT")
_EXAMPLE = {"location_id": "loc_1", "request_id": "req_1020"}

ROUTES = (
    Route(
        method="POST",
        path="/payments/{id}/refund",
        scope="adjust",
        request=RefundRequest,
        handler=refund,
        answer=Tallied,
        refusal=NotRefunded,
        codes=("refunded", "DUPLICATE_EVENT", "REFUND_EXCEEDS_PAYMENT", *_ALWAYS),
        tag="Payments",
        summary="Take back the credits of a refund",
        description=(
            "In proportion to the money, or as the product config says: what can be spent first, "
            "then what is held for the latest bookings, then what had expired. What was used is "
            "owed, written off, or blocks the contact. No money is moved here."
        ),
        example=_EXAMPLE | {"amount_cents": 3300, "external_refund_id": "re_123"},
    ),
    Route(
        method="POST",
        path="/payments/{id}/dispute",
        scope="adjust",
        request=DisputeRequest,
        handler=dispute,
        answer=Disputed,
        refusal=NotRefunded,
        codes=("dispute_opened", "dispute_won", "dispute_lost", *_ALWAYS),
        tag="Payments",
        summary="Report a dispute",
        description=(
            "While it is open the credits are suspended. Won, they go back where they were; lost, "
            "it is a full refund. The news may come twice and in any order."
        ),
        example=_EXAMPLE | {"event": "opened", "external_dispute_id": "dp_123"},
    ),
    Route(
        method="POST",
        path="/payments/{id}/quote",
        scope="adjust",
        request=QuoteRequest,
        handler=quote,
        answer=Quoted,
        refusal=NotRefunded,
        codes=("refund_quoted", "PAYMENT_NOT_FOUND", "REQUEST_IN_PROGRESS"),
        tag="Payments",
        summary="Quote a refund",
        description=(
            "By what is left and, with a drop-in price, by what was used; each with the credits "
            "and the bookings that it would take away. Nothing is changed."
        ),
        example=_EXAMPLE | {"drop_in_cents": 1500},
    ),
    Route(
        method="POST",
        path="/payments/{id}/unblock",
        scope="adjust",
        request=UnblockRequest,
        handler=unblock,
        answer=Unblocked,
        refusal=NotUnblocked,
        codes=("block_lifted", "NOT_BLOCKED", *_ALWAYS),
        tag="Payments",
        summary="Lift the block after a refund of used credits",
        description=(
            "Where the product config, or the refund, says `block`, a contact whose refunded "
            "credits had been used can book nothing until the staff decides. Other blocks stay."
        ),
        example=_EXAMPLE | {"note": "Paid for the two classes at the desk."},
    ),
)
