"""GET /contacts/…: what a contact has, and what happened."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Protocol, TypeVar

from msgspec import Meta, Struct

from kotally.api import contact_answers as answers, contact_timeline, fields
from kotally.api.call import Answer, Call, Decided, Refusal, Reply, Request
from kotally.api.listings import Listing, ListRequest
from kotally.api.routing import Handler, Route
from kotally.bookings import appointments, overdue
from kotally.core.paging import Page
from kotally.db import Queries
from kotally.ledger import history
from kotally.memberships import holdings
from kotally.payments import payments

P = TypeVar("P", bound=Struct)

AsOf = Annotated[
    datetime,
    Meta(
        tz=True,
        description=(
            "What the ledger knew at this time, judged by what was expired or paused then; of a "
            "time ahead: what is there now, judged by that time."
        ),
        examples=["2026-04-16T09:30:00.000Z"],
    ),
]


class Look(Request, frozen=True, kw_only=True):
    """Ask about a contact."""

    location_id: fields.LocationId


class LookAt(Look, frozen=True, kw_only=True):
    """Ask about a contact at a time."""

    as_of: AsOf | None = None


class ListAt(ListRequest, frozen=True, kw_only=True):
    """Ask for a page of a list at a time."""

    as_of: AsOf | None = None


class _ReadOf(Protocol[P]):
    """Read a page of a list of a contact."""

    def __call__(
        self, db: Queries, location_id: str, reference: str, /, *, after: P | None, limit: int
    ) -> Awaitable[Page[P]]: ...


_ENTITLEMENTS = Listing("entitlements_loaded", "entitlements", holdings.After)
_UPCOMING = Listing("appointments_loaded", "appointments", appointments.Upcoming)
_PAST = Listing("appointments_loaded", "appointments", appointments.Past)
_LEDGER = Listing("ledger_loaded", "entries", history.After)
_PAYMENTS = Listing("payments_loaded", "payments", payments.After)
_TIMELINE = Listing("timeline_loaded", "items", contact_timeline.After)


async def contact(call: Call[Look]) -> Reply:
    """Show a contact."""
    found = await _contact(call)
    if found is None:
        return unknown_contact(call)
    return Decided("contact_loaded", call.correlation_id, f'{{"contact":{found}}}')


async def summary(call: Call[LookAt]) -> Reply:
    """Show a contact at one glance."""
    found = await _summary(call)
    if found.is_behind:
        await _brought_up_to_date(call)
        found = await _summary(call)
    if found.answer is None:
        return unknown_contact(call)
    return Decided("summary_loaded", call.correlation_id, found.answer)


async def _summary(call: Call[LookAt]) -> holdings.Summary:
    location_id, as_of, engine = call.request.location_id, call.request.as_of, call.engine
    if as_of is None:
        return await holdings.summary(engine.summaries, location_id, call.path["id"])
    return await holdings.summary_as_of(engine.db, location_id, call.path["id"], as_of=as_of)


async def credits_(call: Call[LookAt]) -> Reply:
    """Show what a contact can spend, and from what."""
    request = call.request
    await _brought_up_to_date(call)
    found = await holdings.credits_of(
        call.engine.db, request.location_id, call.path["id"], as_of=request.as_of
    )
    if found is None:
        return unknown_contact(call)
    return Decided("credits_loaded", call.correlation_id, found)


async def entitlements(call: Call[ListAt]) -> Reply:
    """List the entitlements of a contact."""
    read = partial(holdings.entitlements, as_of=call.request.as_of)
    return await _listed(call, _ENTITLEMENTS, read)


async def upcoming(call: Call[ListRequest]) -> Reply:
    """List the appointments to come."""
    return await _listed(call, _UPCOMING, appointments.upcoming)


async def past(call: Call[ListRequest]) -> Reply:
    """List the appointments that were."""
    return await _listed(call, _PAST, appointments.past)


async def ledger(call: Call[ListRequest]) -> Reply:
    """List the ledger of a contact."""
    return await _listed(call, _LEDGER, history.postings)


async def paid(call: Call[ListRequest]) -> Reply:
    """List the payments of a contact."""
    return await _listed(call, _PAYMENTS, payments.listed)


async def timeline(call: Call[ListRequest]) -> Reply:
    """List what happened to a contact."""
    return await _listed(call, _TIMELINE, contact_timeline.timeline)


async def _listed(call: Call[Any], listing: Listing[P], read: _ReadOf[P]) -> Reply:
    """Answer a page; when nothing is on it, the contact may not be known."""
    reference = call.path["id"]
    await _brought_up_to_date(call)
    ready = partial(read, call.engine.db, call.request.location_id, reference)
    found = await listing.answer(call, ready, reference)
    if found is None and await _contact(call) is None:
        return unknown_contact(call)
    return found or listing.nothing(call)


async def _brought_up_to_date(call: Call[Any]) -> None:
    """Do what is due first: what is read does not depend on when the worker passed."""
    await overdue.bring_up_to_date(call.engine.db, call.request.location_id, call.path["id"])


async def _contact(call: Call[Any]) -> str | None:
    return await call.engine.db.fetchval(
        """
        select kotally.contact_item(c)::text from kotally.find_contact($1, $2) c
         where c.id is not null
        """,
        call.request.location_id,
        call.path["id"],
    )


def unknown_contact(call: Call[Any]) -> Refusal:
    """Say that no contact of the location has the id in the path."""
    return call.refuse(
        "NOT_FOUND",
        message=(
            "No contact of this location has that id. Check the id: the contact's own in your "
            "system, or the uuid from an earlier answer."
        ),
    )


def _route(
    path: str,
    handler: Handler,
    answer: type[Answer],
    *,
    request: type[Request],
    code: str,
    summary: str,
    description: str,
) -> Route:
    return Route(
        method="GET",
        path="/contacts/{id}" + path,
        scope="summary",
        request=request,
        handler=handler,
        answer=answer,
        codes=(code, "NOT_FOUND"),
        tag="Contacts",
        summary=summary,
        description=description,
    )


ROUTES = (
    _route(
        "",
        contact,
        answers.ContactLoaded,
        request=Look,
        code="contact_loaded",
        summary="Read a contact",
        description="By its id in your system, or by the uuid of an earlier answer.",
    ),
    _route(
        "/summary",
        summary,
        answers.SummaryLoaded,
        request=LookAt,
        code="summary_loaded",
        summary="Read a contact at one glance",
        description=(
            "Credits, entitlements, payments in figures, and the latest five of each list. Named "
            "are the entitlements with something left and the newest twenty."
        ),
    ),
    _route(
        "/credits",
        credits_,
        answers.CreditsLoaded,
        request=LookAt,
        code="credits_loaded",
        summary="Read what a contact can spend",
        description="The balances, and the entitlements they come from.",
    ),
    _route(
        "/entitlements",
        entitlements,
        answers.EntitlementsLoaded,
        request=ListAt,
        code="entitlements_loaded",
        summary="List a contact's entitlements",
        description="With their lots and where each lot's credits are, the newest first.",
    ),
    _route(
        "/appointments/upcoming",
        upcoming,
        answers.AppointmentsLoaded,
        request=ListRequest,
        code="appointments_loaded",
        summary="List the appointments to come",
        description="Those that are still on, the next one first.",
    ),
    _route(
        "/appointments/past",
        past,
        answers.AppointmentsLoaded,
        request=ListRequest,
        code="appointments_loaded",
        summary="List the appointments that were",
        description=(
            "Whatever became of them, the latest first. A booking without an appointment time "
            "counts from when it was made."
        ),
    ),
    _route(
        "/ledger",
        ledger,
        answers.LedgerLoaded,
        request=ListRequest,
        code="ledger_loaded",
        summary="List a contact's ledger",
        description="Every movement of credits, the newest first.",
    ),
    _route(
        "/payments",
        paid,
        answers.PaymentsLoaded,
        request=ListRequest,
        code="payments_loaded",
        summary="List a contact's payments",
        description="With what each granted, the newest first.",
    ),
    _route(
        "/timeline",
        timeline,
        answers.TimelineLoaded,
        request=ListRequest,
        code="timeline_loaded",
        summary="List what happened to a contact",
        description="Ledger, bookings, payments and memberships in one list, the newest first.",
    ),
)
