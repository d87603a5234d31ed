"""POST /memberships/{id}/…: renew, change, cancel, and take a cancellation back (S7, S9)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from kotally.api import fields
from kotally.api.call import Call, Invalid, Reply, Request
from kotally.api.membership_answers import (
    MembershipCancelled,
    MembershipChanged,
    MembershipNotDone,
    MembershipRenewed,
    MembershipUncancelled,
)
from kotally.api.outcomes import key_of, reply_to
from kotally.api.routing import Route
from kotally.bookings import overdue
from kotally.ledger.acts import Key
from kotally.memberships import cancellations, changes, renewals
from kotally.memberships.cancellations import Wish
from kotally.memberships.changes import Wanted

Preview = Annotated[
    bool, Meta(description="Answer what would happen, by the same code, and do nothing.")
]


class MembershipRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Act on a membership; its id is the `entitlement_id` of the grant."""

    location_id: fields.LocationId
    request_id: fields.RequestId
    preview: Preview = False


class MembershipRenewRequest(MembershipRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Confirm the next period of a membership."""

    period_number: (
        Annotated[
            int,
            Meta(ge=1, description="The one that is meant; a confirmed one stays as it is."),
        ]
        | None
    ) = None


class MembershipChangeRequest(MembershipRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Change the plan of a membership, or remove the change that waits."""

    product_config_id: fields.ProductConfigId | None = None
    version: Annotated[int, Meta(ge=1, description="The current one if left out.")] | None = None
    when: (
        Annotated[
            Literal["now", "next_period"],
            Meta(description="A larger plan is meant now, a smaller one for the next period."),
        ]
        | None
    ) = None
    strategy: (
        Annotated[
            Literal["difference", "reset", "usage"],
            Meta(description="How an upgrade now counts; the product config's own if left out."),
        ]
        | None
    ) = None
    payment_expected: (
        Annotated[
            bool,
            Meta(description="Wait for the payment; a plan renewed by payments does by itself."),
        ]
        | None
    ) = None
    remove: Annotated[bool, Meta(description="Remove the change that waits.")] = False

    def __post_init__(self) -> None:
        """Ask for what to change to, or for a removal."""
        super().__post_init__()
        if self.remove == (self.product_config_id is not None):
            raise Invalid("product_config_id", "is required, unless remove is true")


class MembershipCancelRequest(MembershipRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Cancel a membership."""

    at: Annotated[
        Literal["period_end", "now"],
        Meta(description="The end of the period after notice and minimum term, or at once."),
    ] = "period_end"
    reason: Annotated[fields.Text, Meta(description="Why, in the member's words.")] | None = None
    override: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=fields.TEXT_LENGTH_MAX,
                description="The staff's reason to pass over notice and minimum term.",
            ),
        ]
        | None
    ) = None


async def renew(call: Call[MembershipRenewRequest]) -> Reply:
    """Confirm the next period without a payment."""
    request = call.request
    id_, key = named(call, "renew")
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_)
    outcome = await renewals.renew(
        call.engine.db,
        request.location_id,
        id_,
        key=key,
        number=request.period_number,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


async def change(call: Call[MembershipChangeRequest]) -> Reply:
    """Change the plan, or remove the change that waits."""
    request = call.request
    id_, key = named(call, "change")
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_)
    where = (call.engine.db, request.location_id, id_)
    if request.product_config_id is None:
        return reply_to(await changes.remove(*where, key=key, preview=request.preview), key.body)
    wanted = Wanted(
        product_config_id=request.product_config_id,
        version=request.version,
        when=request.when,
        strategy=request.strategy,
        payment_expected=request.payment_expected,
    )
    outcome = await changes.change(*where, wanted=wanted, key=key, preview=request.preview)
    return reply_to(outcome, key.body)


async def cancel(call: Call[MembershipCancelRequest]) -> Reply:
    """Cancel a membership."""
    request = call.request
    id_, key = named(call, "cancel")
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_)
    wish = Wish(at=request.at, reason=request.reason, override=request.override)
    outcome = await cancellations.cancel(
        call.engine.db, request.location_id, id_, wish=wish, key=key, preview=request.preview
    )
    return reply_to(outcome, key.body)


async def uncancel(call: Call[MembershipRequest]) -> Reply:
    """Take a cancellation back."""
    id_, key = named(call, "uncancel")
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_)
    outcome = await cancellations.uncancel(
        call.engine.db, call.request.location_id, id_, key=key, preview=call.request.preview
    )
    return reply_to(outcome, key.body)


def named(call: Call[Any], operation: str) -> tuple[UUID, Key]:
    """Read which membership the path names, and name the request."""
    try:
        id_ = UUID(call.path["id"])
    except ValueError as fault:
        raise Invalid("id", "must be the entitlement_id of a membership, a uuid") from fault
    request = call.request
    return id_, key_of(call, f"{operation} {id_}", request, request_id=request.request_id)


ALWAYS = (
    "MEMBERSHIP_NOT_FOUND",
    "MEMBERSHIP_ENDED",
    "REQUEST_IN_PROGRESS",
    "IDEMPOTENCY_CONFLICT",
)
EXAMPLE = {"location_id": "loc_1", "request_id": "req_1010"}

ROUTES = (
    Route(
        method="POST",
        path="/memberships/{id}/renew",
        scope="membership",
        request=MembershipRenewRequest,
        handler=renew,
        answer=MembershipRenewed,
        refusal=MembershipNotDone,
        codes=("membership_renewed", "PERIOD_NOT_NEXT", *ALWAYS),
        tag="Memberships",
        summary="Confirm the next period without a payment",
        description=(
            "Rolls over what is left, grants the next period's credits and settles what was "
            "overdue, as a payment would. Before the period's end it is confirmed ahead."
        ),
        example=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/memberships/{id}/change",
        scope="membership",
        request=MembershipChangeRequest,
        handler=change,
        answer=MembershipChanged,
        refusal=MembershipNotDone,
        codes=(
            "membership_changed",
            "change_pending_payment",
            "change_scheduled",
            "change_removed",
            "CONFIG_NOT_FOUND",
            "NOTHING_TO_CHANGE",
            "ALREADY_MEMBER",
            "CANCELLATION_PENDING",
            "CHANGE_ONLY_AT_PERIOD_END",
            "PERIOD_PAID_AHEAD",
            "NO_PENDING_CHANGE",
            *ALWAYS,
        ),
        tag="Memberships",
        summary="Upgrade, downgrade, or remove a change that waits",
        description=(
            "An upgrade takes effect at once, or when its payment arrives; a downgrade at the "
            "next period. A newer change replaces the one that waits."
        ),
        example=EXAMPLE | {"product_config_id": "pc_membership_2"},
    ),
    Route(
        method="POST",
        path="/memberships/{id}/cancel",
        scope="membership",
        request=MembershipCancelRequest,
        handler=cancel,
        answer=MembershipCancelled,
        refusal=MembershipNotDone,
        codes=("cancellation_scheduled", "membership_ended", "CANCELLATION_TOO_EARLY", *ALWAYS),
        tag="Memberships",
        summary="Cancel a membership",
        description=(
            "To the end of the period after notice and minimum term, or at once. What is left of "
            "the credits follows the product config's rule. A change that waits is dropped; "
            "`change_dropped` names it."
        ),
        example=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/memberships/{id}/uncancel",
        scope="membership",
        request=MembershipRequest,
        handler=uncancel,
        answer=MembershipUncancelled,
        refusal=MembershipNotDone,
        codes=("cancellation_withdrawn", "NOT_CANCELLED", *ALWAYS),
        tag="Memberships",
        summary="Take a cancellation back",
        description=(
            "Possible until the instant at which the membership ends. A change that the "
            "cancellation dropped waits again, as `change_restored`; if its time has come "
            "meanwhile it does not, and is named as `change_dropped`."
        ),
        example=EXAMPLE,
    ),
)
