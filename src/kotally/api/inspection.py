"""
Look at a JSON body more closely than a decoder does.

Decoders keep the last of two equal keys, pass on NUL characters that no text column holds, and
take numbers of any size. Here each of these is found and named by its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any, cast

from kotally.api.call import Problem

Json = Any  # what a decoder makes of a body: anything

DEPTH_MAX = 32  # deeper nesting has no honest use, and recursion has a price
INTEGER_MAX = 2**63 - 1  # what PostgreSQL and most callers can hold
PROBLEMS_MAX = 20

_STRING = re.compile(rb'"(?:[^"\\]+|\\.)*"', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_ONE_BRACKET = bytes.maketrans(b"{}", b"[]")


class _Members(list[tuple[str, Any]]):
    """Hold the members of an object as they were sent, doubles and all."""


class _NotANumber(ValueError):
    """Stop at NaN and Infinity, which are not JSON."""


def _refuse_constant(name: str) -> None:
    raise _NotANumber(name)


_decoder = JSONDecoder(object_pairs_hook=_Members, parse_constant=_refuse_constant)


def examine(body: bytes) -> list[Problem]:
    """Find what a decoder would let pass; empty means that the body is sound."""
    if _too_deep(body):
        return [Problem("body", f"is nested deeper than {DEPTH_MAX} levels")]
    try:
        document = _decoder.decode(body.decode())
    except UnicodeDecodeError:
        return [Problem("body", "must be text in UTF-8")]
    except _NotANumber as fault:
        return [Problem("body", f"contains {fault}, which is not JSON")]
    except JSONDecodeError as fault:
        where = f"line {fault.lineno}, column {fault.colno}"
        return [Problem("body", f"is not valid JSON: {fault.msg} at {where}")]
    except RecursionError:
        return [Problem("body", "is nested too deeply")]
    except ValueError:
        return [Problem("body", "contains a number of too many digits")]
    found = _walk(document, "")
    return [problem for _, problem in zip(range(PROBLEMS_MAX), found, strict=False)]


def text_fault(text: str) -> str | None:
    """Say what in a text cannot be stored, if anything."""
    if "\x00" in text:
        return "must not contain the NUL character"
    if not text.isascii() and _SURROGATE.search(text):
        return "must not contain half of a surrogate pair"
    return None


def _too_deep(body: bytes) -> bool:
    # With one kind of bracket left, each round removes exactly the innermost level.
    nesting = _STRING.sub(b"", body).translate(_ONE_BRACKET, _NOT_BRACKETS)
    for _ in range(DEPTH_MAX):
        if not nesting:
            return False
        nesting = nesting.replace(b"[]", b"")
    return b"[]" in nesting


def _walk(value: Json, path: str) -> Iterator[Problem]:
    if isinstance(value, str):
        if fault := text_fault(value):
            yield Problem(path or "body", fault)
    elif isinstance(value, _Members):
        yield from _walk_members(value, path)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Json]", value)):
            yield from _walk(item, f"{path}[{index}]")
    elif isinstance(value, int) and abs(value) > INTEGER_MAX:
        yield Problem(path or "body", "is a number out of range")


def _walk_members(members: _Members, path: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for name, value in members:
        fault = text_fault(name)
        shown = ascii(name)[1:-1] if fault else name
        where = f"{path}.{shown}" if path else shown
        if name in seen:
            yield Problem(where, "is sent twice; send each field once")
        if fault:
            yield Problem(where, f"is a field name that {fault}")
        seen.add(name)
        yield from _walk(value, where)
