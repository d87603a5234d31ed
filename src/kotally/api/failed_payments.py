"""POST /memberships/{id}/payment-failed (S9.4)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kotally.api import fields
from kotally.api.call import Call, Reply
from kotally.api.membership_answers import MembershipNotDone, PaymentFailureNoted
from kotally.api.memberships import ALWAYS, EXAMPLE, MembershipRequest, named
from kotally.api.outcomes import reply_to
from kotally.api.routing import Route
from kotally.memberships import failed_payments


class PaymentFailedRequest(MembershipRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Report that a payment for a membership was tried and failed."""

    product_config_id: (
        Annotated[
            fields.ProductConfigId,
            Meta(description="What it was for; whatever the membership waits for if left out."),
        ]
        | None
    ) = None
    external_payment_id: fields.PaymentReference | None = None
    reason: Annotated[fields.Text, Meta(description="Why, in the provider's words.")] | None = None


async def payment_failed(call: Call[PaymentFailedRequest]) -> Reply:
    """Note a payment that failed."""
    request = call.request
    id_, key = named(call, "payment-failed")
    failure = failed_payments.Failure(
        product_config_id=request.product_config_id,
        external_payment_id=request.external_payment_id,
        reason=request.reason,
    )
    outcome = await failed_payments.note(
        call.engine.db, request.location_id, id_, failure=failure, key=key, preview=request.preview
    )
    return reply_to(outcome, key.body)


ROUTES = (
    Route(
        method="POST",
        path="/memberships/{id}/payment-failed",
        scope="membership",
        request=PaymentFailedRequest,
        handler=payment_failed,
        answer=PaymentFailureNoted,
        refusal=MembershipNotDone,
        codes=("payment_failure_noted", *ALWAYS),
        tag="Memberships",
        summary="Report a payment that failed",
        description=(
            "An upgrade that waited for it is dropped. A failed renewal is noted; the end of the "
            "period and the days of grace decide what follows."
        ),
        example=EXAMPLE,
    ),
)
