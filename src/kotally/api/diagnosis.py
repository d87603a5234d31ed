"""Find every problem of a value that did not decode, field by field, and name the path of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import msgspec
from msgspec import Struct, structs

from kotally.api.call import Invalid, Problem
from kotally.api.inspection import PROBLEMS_MAX
from kotally.api.wording import plain, split

Json = Any  # what a decoder makes of a body: anything
Kind = Any  # a type as it stands in an annotation


def diagnose(value: Json, kind: type[Struct], fault: Exception) -> list[Problem]:
    """List what is wrong; when no single field can be named, what the decoder said."""
    found = list(islice(_struct(value, kind, ""), PROBLEMS_MAX)) if value is not None else []
    return found or _said(fault, "", kind)


def _problems(value: Json, kind: Kind, path: str) -> Iterator[Problem]:
    core = _core(kind, value)
    if isinstance(core, type) and issubclass(core, Struct):
        yield from _struct(value, core, path)
        return
    found = False
    if get_origin(core) is list and isinstance(value, list):
        for index, item in enumerate(cast("Sequence[Any]", value)):
            for problem in _problems(item, get_args(core)[0], f"{path}[{index}]"):
                found = True
                yield problem
    if not found:
        yield from _converted(value, kind, path)


def _struct(value: Json, kind: type[Struct], path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield from _converted(value, kind, path)
        return
    members = cast("Mapping[str, Any]", value)
    fields = {field.encode_name: field for field in structs.fields(kind)}
    tag = kind.__struct_config__.tag_field
    found = False
    for name in members:
        if name not in fields and name != tag:
            found = True
            shown = name or '""'  # a field without a name is named as it was sent
            yield Problem(_join(path, shown), "is not a field of this request; leave it out")
    for name, field in fields.items():
        if name not in members:
            if field.required:
                found = True
                yield Problem(_join(path, name), "is required")
            continue
        for problem in _problems(members[name], field.type, _join(path, name)):
            found = True
            yield problem
    if not found:
        yield from _converted(members, kind, path)


def _converted(value: Json, kind: Kind, path: str) -> Iterator[Problem]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as fault:
        yield from _said(fault, path, kind)


def _said(fault: Exception, path: str, kind: Kind) -> list[Problem]:
    if isinstance(fault.__cause__, Invalid):
        return [
            Problem(_join(path, problem.field), problem.message)
            for problem in fault.__cause__.problems
        ]
    text, rest = split(str(fault))
    choices = _choices(kind)
    if choices and text.startswith("Invalid"):
        return [Problem(_join(path, rest) or "body", f"must be one of: {', '.join(choices)}")]
    return [Problem(_join(path, rest) or "body", plain(text))]


def _core(kind: Kind, value: Json) -> Kind:
    """Strip annotations and null; of a tagged union take the member that the value names."""
    if get_origin(kind) is Annotated:
        return _core(get_args(kind)[0], value)
    if get_origin(kind) not in (Union, UnionType):
        return kind
    members = [member for member in get_args(kind) if member is not NoneType]
    if len(members) == 1 and value is not None:
        return _core(members[0], value)
    if isinstance(value, dict):
        for member in members:
            config = getattr(member, "__struct_config__", None)
            if config is not None and cast("Any", value).get(config.tag_field) == config.tag:
                return member
    return kind


def _choices(kind: Kind) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    config = getattr(kind, "__struct_config__", None)
    own = [str(config.tag)] if config is not None and config.tag is not None else []
    parts = get_args(kind) if get_origin(kind) in (Annotated, Union, UnionType) else ()
    return own + [choice for part in parts for choice in _choices(part)]


def _join(path: str, name: str) -> str:
    if not path or not name:
        return path or name
    return f"{path}{name}" if name.startswith("[") else f"{path}.{name}"
