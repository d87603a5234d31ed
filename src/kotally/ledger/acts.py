"""What a caller wants done to a contact's credits, and what came of it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Literal, cast
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo

from kotally.core.ids import new_id

Operation = Literal["grant", "check", "deduct", "hold", "capture", "release", "restore"]
Source = Literal["api", "staff", "member", "sweep", "cli", "import", "stripe", "highlevel"]

AMOUNT_MAX: Final = 1_000_000
REQUEST_ID_MAX: Final = 255

_encode = msgspec.json.Encoder(order="deterministic").encode


class Key(Struct, frozen=True):
    """
    Who asks, and under which name the answer is remembered (S15.1).

    `body` is the canonical text of the request and `digest` its SHA-256: the same key with the
    same digest gets the same answer again, with another digest a conflict.
    Only a check has no request_id.
    """

    request_id: str | None
    digest: bytes
    body: str
    correlation_id: UUID
    source: Source
    actor: str


class Act(Struct, frozen=True):
    """One thing to do; its fields are those of the type `kotally.act`, in that order."""

    operation: Operation
    id: UUID
    request_id: str | None
    digest: bytes | None
    body: str | None
    correlation_id: UUID
    source: Source
    actor: str
    external_contact_id: str | None = None
    product_config_id: str | None = None
    calendar_id: str | None = None
    amount: int | None = None
    appointment_at: datetime | None = None
    external_ref: str | None = None
    hold_id: UUID | None = None
    args: str | None = None


class Outcome(Struct, frozen=True):
    """
    What came of an act.

    `code` is lower case when it was done and upper case when it was refused. `answer` is a JSON
    object with what there is to say about it; a replay repeats it to the letter.
    """

    code: str
    replayed: bool
    correlation_id: UUID
    answer: str

    @property
    def done(self) -> bool:
        """Be true when the act was carried out, now or the first time."""
        return self.code.islower()


def digest(operation: str, request: object) -> tuple[bytes, str]:
    """
    Return the digest and the canonical text of a request.

    Defaults left out count as sent, and one instant is the same whatever its offset.
    """
    body = _encode(_canonical(request))
    return hashlib.sha256(operation.encode() + b"\0" + body).digest(), body.decode()


def act(operation: Operation, key: Key, **fields: Any) -> Act:  # noqa: ANN401 - the fields of Act
    """Make an act with an id of its own; `fields` are those of Act, `args` as JSON text."""
    return Act(
        operation,
        new_id(),
        key.request_id,
        key.digest,
        key.body,
        key.correlation_id,
        key.source,
        key.actor,
        **fields,
    )


def _canonical(value: object) -> object:
    """Write a value in the one way in which equals are written alike."""
    if isinstance(value, Struct):
        tag, fields = _form(type(value))
        # The encoder's own omission of defaults knows a default text by identity only.
        return tag | {
            name: _canonical(found)
            for field, name, default in fields
            if (found := getattr(value, field)) is not msgspec.UNSET and found != default
        }
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, list):
        return [_canonical(item) for item in cast("list[object]", value)]
    return value


@cache
def _form(kind: type[Struct]) -> tuple[dict[str, object], tuple[tuple[str, str, object], ...]]:
    """Give what a struct's tag writes, and its fields with their written names and defaults."""
    config = kind.__struct_config__
    tag: dict[str, object] = {} if config.tag_field is None else {config.tag_field: config.tag}
    fields = msgspec.structs.fields(kind)
    return tag, tuple((field.name, field.encode_name, _default(field)) for field in fields)


def _default(field: FieldInfo) -> object:
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else made()
