"""Turn bodies and queries into request structs, or say of each field what is wrong with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, TypeVar, cast, get_args
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from kotally.api.call import Invalid, Problem, Request
from kotally.api.diagnosis import Json, Kind, diagnose
from kotally.api.inspection import DEPTH_MAX, INTEGER_MAX, examine, text_fault

QUERY_LENGTH_MAX = 8_192
QUERY_FIELDS_MAX = 50
SEGMENT_LENGTH_MAX = 255
TIME_MIN = datetime(1970, 1, 1, tzinfo=UTC)
TIME_MAX = datetime(2200, 1, 1, tzinfo=UTC)

R = TypeVar("R", bound=Request)

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_UNSOUND = -(1 << 62)
_TRUTH = {"true": True, "false": False}
_raw = msgspec.json.Decoder().decode


class BodyDecoder(Generic[R]):
    """Decode the JSON body of one route, strictly."""

    def __init__(self, kind: type[R]) -> None:
        self._kind = kind
        self._decode = msgspec.json.Decoder(kind).decode
        self._has_times = bool(_times_of(kind))

    def decode(self, body: bytes) -> R:
        """Return the request, or raise Invalid with every problem found."""
        try:
            request = self._decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
            raise Invalid.of(_explain(body, self._kind, fault)) from None
        if not _plainly_sound(body) and (found := examine(body)):
            raise Invalid.of(found)
        if self._has_times:
            _check_times(request)
        return request


class QueryDecoder(Generic[R]):
    """Decode the query string of one route, as strictly as a body."""

    def __init__(self, kind: type[R]) -> None:
        self._kind = kind
        leaves = {field.encode_name: _leaves(field.type) for field in msgspec.structs.fields(kind)}
        self._integers = frozenset(name for name, kinds in leaves.items() if int in kinds)
        self._truths = frozenset(name for name, kinds in leaves.items() if bool in kinds)

    def decode(self, query: bytes) -> R:
        """Return the request, or raise Invalid with every problem found."""
        values = self._typed(_pairs(query))
        try:
            request = msgspec.convert(values, self._kind)
        except msgspec.ValidationError as fault:
            raise Invalid.of(diagnose(values, self._kind, fault)) from None
        _check_times(request)
        return request

    def _typed(self, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, text in pairs:
            if fault := text_fault(name) or text_fault(text):
                raise Invalid(name.replace("\x00", "?"), fault)
            if name in values:
                raise Invalid(name, "is sent twice; send each field once")
            values[name] = text
            if name in self._integers and _INTEGER.fullmatch(text):
                values[name] = int(text)
            elif name in self._truths:
                values[name] = _TRUTH.get(text, text)
        return values


def segment(raw: bytes, name: str) -> str:
    """Decode one segment of a path, or raise Invalid."""
    try:
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise Invalid(name, "must be text in UTF-8") from None
    if fault := text_fault(text):
        raise Invalid(name, fault)
    if len(text) > SEGMENT_LENGTH_MAX:
        raise Invalid(name, f"must have at most {SEGMENT_LENGTH_MAX} characters")
    return text


def _pairs(query: bytes) -> list[tuple[str, str]]:
    if not query:
        return []
    if len(query) > QUERY_LENGTH_MAX:
        raise Invalid("query", f"must have at most {QUERY_LENGTH_MAX} bytes")
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=QUERY_FIELDS_MAX,
        )
    except UnicodeError:
        raise Invalid("query", "must be percent-encoded UTF-8") from None
    except ValueError:
        raise Invalid("query", "must be name=value pairs joined by &") from None


def _plainly_sound(body: bytes) -> bool:
    """
    Tell cheaply that a body hides nothing, so that it need not be examined.

    Without escapes each member has one colon beside those inside texts. If that sum matches the
    colons of the body, no key was sent twice; and without a backslash there is no NUL and no half
    surrogate. Everything else is looked at closely.
    """
    if b"\\" in body:
        return False
    return body.count(b":") == _colons(_raw(body), DEPTH_MAX)


def _colons(value: Json, depth: int) -> int:
    """Count the colons a value was written with, or fall far below when it is unsound."""
    kind = value.__class__
    if kind is str:
        return value.count(":")
    if kind is dict:
        colons = len(value) + "".join(value).count(":") if depth else _UNSOUND
        for item in value.values() if depth else ():
            colons += item.count(":") if item.__class__ is str else _colons(item, depth - 1)
        return colons
    if kind is list:
        return sum(_colons(item, depth - 1) for item in value) if depth else _UNSOUND
    if kind is int and not -INTEGER_MAX <= value <= INTEGER_MAX:
        return _UNSOUND
    return 0


def _explain(body: bytes, kind: type[Request], fault: Exception) -> list[Problem]:
    if not body.strip():
        return [Problem("body", "is empty; send a JSON object")]
    if isinstance(fault, RecursionError):
        return [Problem("body", "is nested too deeply")]
    if found := examine(body):
        return found
    try:
        return diagnose(_raw(body), kind, fault)
    except msgspec.MsgspecError:
        return diagnose(None, kind, fault)


def _check_times(request: Request, path: str = "") -> None:
    for name in _times_of(type(request)):
        value = getattr(request, name)
        if isinstance(value, list):
            for index, item in enumerate(cast("list[Request]", value)):
                _check_times(item, f"{path}{name}[{index}].")
        elif isinstance(value, datetime) and not TIME_MIN <= value <= TIME_MAX:
            raise Invalid(path + name, f"must lie between {TIME_MIN:%Y} and {TIME_MAX:%Y}")


@cache
def _times_of(kind: type[Request]) -> tuple[str, ...]:
    """Name the fields that are times, or lists of structs that have some."""
    return tuple(
        field.name
        for field in msgspec.structs.fields(kind)
        if any(
            leaf is datetime or (isinstance(leaf, type) and issubclass(leaf, Request))
            for leaf in _leaves(field.type)
        )
    )


def _leaves(kind: Kind) -> list[Kind]:
    """List the plain types inside annotations, unions and lists."""
    parts = get_args(kind)
    return [leaf for part in parts for leaf in _leaves(part)] if parts else [kind]
