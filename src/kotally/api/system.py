"""Serve what describes the API itself: the OpenAPI document and the catalogue of reasons."""

from __future__ import annotations

from kotally.api.answers import REASONS
from kotally.api.call import Answer, Call, Document, Reply, Request
from kotally.api.reason import Reason
from kotally.api.routing import Route


class NothingAsked(Request, frozen=True, kw_only=True):
    """Take no parameters."""


class ReasonsLoaded(Answer, frozen=True, kw_only=True):
    """List every reason code."""

    reasons: list[Reason]


async def openapi(call: Call[NothingAsked]) -> Reply:
    """Answer with the OpenAPI document."""
    return Document(call.engine.openapi)


async def reasons(call: Call[NothingAsked]) -> Reply:
    """Answer with the catalogue."""
    return ReasonsLoaded(
        reason_code="reasons_loaded",
        correlation_id=call.correlation_id,
        reasons=list(REASONS.values()),
    )


ROUTES = (
    Route(
        method="GET",
        path="/openapi.json",
        scope=None,
        request=NothingAsked,
        handler=openapi,
        answer=None,
        codes=(),
        tag="About the API",
        summary="Read this document",
        description="The OpenAPI 3.1 document, made from the types that parse the requests.",
    ),
    Route(
        method="GET",
        path="/reasons",
        scope=None,
        request=NothingAsked,
        handler=reasons,
        answer=ReasonsLoaded,
        codes=("reasons_loaded",),
        tag="About the API",
        summary="List every reason code",
        description="What each code means, its status, what to do, and whether to try again.",
    ),
)
