"""Hold the words a handler speaks: the call it gets, and the answers it gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from kotally.api.answers import REASONS, sentence
from kotally.api.engine import Engine


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Be the parent of every request body and query: unknown fields are refused.

    Of each group in `either` at least one field must be sent; the OpenAPI document says so too.
    """

    either: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def __post_init__(self) -> None:
        """Refuse a group of which no field was sent; a child that overrides this calls it."""
        for group in self.either:
            if all(getattr(self, name) is None for name in group):
                raise Invalid(group[0], f"is required, unless {' or '.join(group[1:])} is sent")


class Answer(Struct, frozen=True, kw_only=True):
    """Begin every answer with `ok`, `reason_code`, `correlation_id`, in that order."""

    ok: bool = True
    reason_code: str
    correlation_id: UUID


class Problem(Struct, frozen=True):
    """Say of one field what is wrong with it."""

    field: str
    message: str


class Refusal(Answer, frozen=True, kw_only=True):
    """Say no, and in one plain sentence what to do."""

    ok: bool = False
    message: str
    errors: list[Problem] | UnsetType = UNSET


class Replayed(Struct, frozen=True):
    """
    Wrap the answer of an earlier request with the same `request_id`.

    The answer keeps the correlation id of the first time; a header says that it was replayed.
    """

    answer: Answer


class Document(Struct, frozen=True):
    """Answer with ready-made JSON that is not in the form of an outcome."""

    body: bytes


class Decided(Struct, frozen=True):
    """
    Answer with what the kernel decided.

    `answer` is the business part as a JSON object, passed on as it was stored, so that a replay
    cannot differ. The correlation id is the one under which it was decided. A refusal is put in
    the words of the operation, where it has its own.
    """

    code: str
    correlation_id: UUID
    answer: str
    replayed: bool = False
    operation: str | None = None


Reply = Answer | Replayed | Document | Decided


class Invalid(ValueError):
    """
    Refuse one field from inside a request's `__post_init__` or a handler.

    The caller gets `VALIDATION_ERROR` with the field and the message.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field} {message}")
        self.problems = [Problem(field, message)]

    @classmethod
    def of(cls, problems: list[Problem]) -> Invalid:
        """Refuse several fields at once."""
        fault = cls(problems[0].field, problems[0].message)
        fault.problems = problems
        return fault


class Client(Protocol):
    """Know who calls; the workspaces storey makes it from the token."""

    @property
    def id(self) -> UUID:
        """Be the API client's id, the first uuid of its token."""
        ...

    @property
    def workspace_id(self) -> UUID:
        """Be the workspace that owns the location."""
        ...

    @property
    def location_id(self) -> str:
        """Be the one location the token is bound to."""
        ...

    @property
    def scopes(self) -> frozenset[str]:
        """Be what the token may do."""
        ...

    @property
    def location_active(self) -> bool:
        """Be false while the location is pending or disconnected."""
        ...

    @property
    def rate(self) -> int:
        """Be the requests a second this client may send in the long run; 0 for the default."""
        ...


RequestT = TypeVar("RequestT", bound=Request)


class Call(Struct, Generic[RequestT]):
    """Carry one authenticated and validated request to its handler."""

    engine: Engine
    client: Client
    request: RequestT
    correlation_id: UUID
    path: Mapping[str, str]

    def refuse(self, code: str, *, message: str | None = None) -> Refusal:
        """Refuse with a code of the catalogue; without a message, the catalogue's own."""
        return refusal(code, self.correlation_id, message=message)


def refusal(
    code: str,
    correlation_id: UUID,
    *,
    message: str | None = None,
    errors: list[Problem] | None = None,
) -> Refusal:
    """Make a refusal with a code of the catalogue; an unknown code is a fault."""
    return Refusal(
        ok=REASONS[code].ok,
        reason_code=code,
        correlation_id=correlation_id,
        message=message or sentence(code),
        errors=errors or UNSET,
    )


Authenticated = Client | None
AnyCall = Call[Any]
