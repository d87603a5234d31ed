"""POST /memberships/{id}/freeze, /resume, /freeze-extend and /freeze-cancel (S8)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from kotally.api import fields
from kotally.api.call import Call, Invalid, Reply
from kotally.api.dates import LocalDate, check_dates
from kotally.api.freeze_answers import FreezeNotDone, FreezeShown
from kotally.api.memberships import MembershipRequest
from kotally.api.outcomes import key_of, reply_to
from kotally.api.routing import Route
from kotally.bookings import overdue
from kotally.ledger.acts import Key
from kotally.memberships import freezes
from kotally.memberships.freezes import Wish

KEPT_MAX = 1_000

OverrideReason = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=fields.TEXT_LENGTH_MAX,
        description="The staff's reason to set the plan's limits aside.",
    ),
]
Keep = Annotated[
    list[UUID],
    Meta(
        max_length=KEPT_MAX,
        description="Bookings or holds inside the freeze that stay, by their ids.",
    ),
]


class FreezeRequest(MembershipRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Freeze a membership for local days."""

    resumes_on: Annotated[LocalDate, Meta(description="The first day that it is good again.")]
    starts_on: Annotated[LocalDate, Meta(description="Today if left out.")] | None = None
    mode: (
        Annotated[
            Literal["shift", "prorate", "keep"],
            Meta(description="What becomes of bounds and charges; the plan's own if left out."),
        ]
        | None
    ) = None
    covers_packs: (
        Annotated[bool, Meta(description="Move all the contact's credits; the plan's own if out.")]
        | None
    ) = None
    keep: Keep | None = None
    override_reason: OverrideReason | None = None
    note: fields.Text | None = None

    def __post_init__(self) -> None:
        """Refuse dates that no calendar of ours has."""
        super().__post_init__()
        check_dates(starts_on=self.starts_on, resumes_on=self.resumes_on)


class ResumeRequest(MembershipRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Return early."""

    on: Annotated[LocalDate, Meta(description="Today if left out.")] | None = None

    def __post_init__(self) -> None:
        """Refuse dates that no calendar of ours has."""
        super().__post_init__()
        check_dates(on=self.on)


class FreezeExtendRequest(MembershipRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Make a freeze longer."""

    resumes_on: Annotated[LocalDate, Meta(description="The first day that it is good again.")]
    keep: Keep | None = None
    override_reason: OverrideReason | None = None

    def __post_init__(self) -> None:
        """Refuse dates that no calendar of ours has."""
        super().__post_init__()
        check_dates(resumes_on=self.resumes_on)


async def freeze(call: Call[FreezeRequest]) -> Reply:
    """Freeze a membership."""
    request = call.request
    id_, key = _named(call, "freeze")
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_)
    wish = Wish(
        starts_on=request.starts_on,
        resumes_on=request.resumes_on,
        mode=request.mode,
        covers_packs=request.covers_packs,
        keep=frozenset(request.keep or ()),
        override_reason=request.override_reason,
        note=request.note,
    )
    outcome = await freezes.freeze(
        call.engine.db, request.location_id, id_, wish=wish, key=key, preview=request.preview
    )
    return reply_to(outcome, key.body)


async def resume(call: Call[ResumeRequest]) -> Reply:
    """Return early."""
    request = call.request
    id_, key = _named(call, "resume")
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_)
    outcome = await freezes.resume(
        call.engine.db, request.location_id, id_, key=key, on=request.on, preview=request.preview
    )
    return reply_to(outcome, key.body)


async def extend(call: Call[FreezeExtendRequest]) -> Reply:
    """Make a freeze longer."""
    request = call.request
    id_, key = _named(call, "freeze-extend")
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_)
    outcome = await freezes.extend(
        call.engine.db,
        request.location_id,
        id_,
        resumes_on=request.resumes_on,
        key=key,
        keep=frozenset(request.keep or ()),
        override_reason=request.override_reason,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


async def cancel(call: Call[MembershipRequest]) -> Reply:
    """Take a planned freeze back."""
    id_, key = _named(call, "freeze-cancel")
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_)
    outcome = await freezes.cancel(
        call.engine.db, call.request.location_id, id_, key=key, preview=call.request.preview
    )
    return reply_to(outcome, key.body)


def _named(call: Call[Any], operation: str) -> tuple[UUID, Key]:
    try:
        id_ = UUID(call.path["id"])
    except ValueError as fault:
        raise Invalid("id", "must be the entitlement_id of a membership, a uuid") from fault
    request = call.request
    return id_, key_of(call, f"{operation} {id_}", request, request_id=request.request_id)


_ALWAYS = (
    "MEMBERSHIP_NOT_FOUND",
    "MEMBERSHIP_ENDED",
    "REQUEST_IN_PROGRESS",
    "IDEMPOTENCY_CONFLICT",
)
_LIMITS = (
    "FREEZE_ENDS_BEFORE_START",
    "FREEZE_OVERLAPS",
    "FREEZE_TOO_SHORT",
    "FREEZE_TOO_LONG",
    "FREEZE_DAYS_USED_UP",
)
_EXAMPLE = {"location_id": "loc_1", "request_id": "req_1020"}

ROUTES = (
    Route(
        method="POST",
        path="/memberships/{id}/freeze",
        scope="membership",
        request=FreezeRequest,
        handler=freeze,
        answer=FreezeShown,
        refusal=FreezeNotDone,
        codes=(
            "membership_frozen",
            "FREEZE_NOT_ALLOWED",
            "FREEZE_WHILE_PAST_DUE",
            "FREEZE_AFTER_END",
            "FREEZE_STARTS_IN_PAST",
            "FREEZE_NOTICE_TOO_SHORT",
            "FREEZE_TOO_SOON",
            "FREEZE_STARTS_AT_RENEWAL_ONLY",
            "FREEZE_COUNT_REACHED",
            *_LIMITS,
            *_ALWAYS,
        ),
        tag="Memberships",
        summary="Freeze a membership",
        description=(
            "By local days. While frozen it pays for no class of those days, its credits do not "
            "age, and bookings inside are cancelled with full restore unless they are kept."
        ),
        example=_EXAMPLE | {"starts_on": "2026-03-01", "resumes_on": "2026-03-15"},
    ),
    Route(
        method="POST",
        path="/memberships/{id}/resume",
        scope="membership",
        request=ResumeRequest,
        handler=resume,
        answer=FreezeShown,
        refusal=FreezeNotDone,
        codes=("membership_resumed", "NOT_FROZEN", "RESUME_OUT_OF_RANGE", *_ALWAYS),
        tag="Memberships",
        summary="Return early from a freeze",
        description="Only the days that were used count; the others go back to the allowance.",
        example=_EXAMPLE,
    ),
    Route(
        method="POST",
        path="/memberships/{id}/freeze-extend",
        scope="membership",
        request=FreezeExtendRequest,
        handler=extend,
        answer=FreezeShown,
        refusal=FreezeNotDone,
        codes=("freeze_extended", "NOT_FROZEN", "FREEZE_NOT_LONGER", *_LIMITS, *_ALWAYS),
        tag="Memberships",
        summary="Make a freeze longer",
        description="The running one, or the next planned one; the limits are checked again.",
        example=_EXAMPLE | {"resumes_on": "2026-03-29"},
    ),
    Route(
        method="POST",
        path="/memberships/{id}/freeze-cancel",
        scope="membership",
        request=MembershipRequest,
        handler=cancel,
        answer=FreezeShown,
        refusal=FreezeNotDone,
        codes=("freeze_cancelled", "NOT_FROZEN", "FREEZE_ALREADY_STARTED", *_ALWAYS),
        tag="Memberships",
        summary="Take a planned freeze back",
        description="Before it begins; nothing but the record of it stays.",
        example=_EXAMPLE,
    ),
)
