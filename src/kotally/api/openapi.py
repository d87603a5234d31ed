"""Publish the table of routes as an OpenAPI 3.1 document, made from the types that parse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

import msgspec
from msgspec import Struct, structs

from kotally import __version__
from kotally.api.answers import REASONS, STATUS, sentence
from kotally.api.call import Refusal, Request
from kotally.api.examples import example_of
from kotally.api.reason import HTTP_OK
from kotally.api.responses import HEADERS, error_responses, outcome_headers
from kotally.api.routing import ANY_SCOPE, Route

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/{name}"
_AT_THE_DOOR = ("VALIDATION_ERROR", "RATE_LIMITED", "INTERNAL_ERROR", "UNAVAILABLE")
_WITH_TOKEN = ("UNAUTHORIZED", "INSUFFICIENT_SCOPE", "LOCATION_MISMATCH", "LOCATION_INACTIVE")
_WITH_BODY = ("REQUEST_TIMEOUT", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")
_ABOUT = """\
Credits, memberships and bookings for studios, kept as a ledger.

A business outcome is HTTP 200 with `ok` true or false and a `reason_code`; other statuses are for
transport: authentication, validation, rate limits and faults. Every answer begins with `ok`,
`reason_code` and `correlation_id`; every refusal says in `message` what to do. A request with the
same `request_id` and the same payload always gets the first answer and is never done twice.
"""


def document(routes: Sequence[Route]) -> Schema:
    """Build the document for these routes."""
    components = _components(routes)
    paths: dict[str, Schema] = defaultdict(dict)
    for route in routes:
        paths[route.template][route.method.lower()] = _operation(route, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kotally API", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "responses": error_responses(),
            "headers": HEADERS,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "ktly_<uuid>_<uuid>",
                    "description": "A client's token; shown once, when the client is created.",
                }
            },
        },
    }


def encoded(routes: Sequence[Route]) -> bytes:
    """Build the document as JSON."""
    return msgspec.json.encode(document(routes))


def codes_of(route: Route) -> list[str]:
    """List every reason code a route can answer: its own, then the door's."""
    door = [*_AT_THE_DOOR]
    if route.scope is not None:
        door += _WITH_TOKEN
    if route.method == "POST":
        door += _WITH_BODY
    return [code for code in dict.fromkeys([*route.codes, *door]) if code in REASONS]


def _components(routes: Sequence[Route]) -> dict[str, Schema]:
    kinds: list[type[Struct]] = [Refusal]
    for route in routes:
        kinds += [route.request] if route.method == "POST" else []
        kinds += [route.answer] if route.answer else []
        kinds += [route.refusal]
    kinds = list(dict.fromkeys(kinds))
    _, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    for route in routes:
        if route.answer is not None:
            _narrow(components[route.answer.__name__], route)
    for kind in _requests(kinds):
        _state_groups(components[kind.__name__], kind)
    for kind in kinds:
        if issubclass(kind, Refusal):
            components[kind.__name__]["properties"]["ok"] = {"const": False}
            components[kind.__name__]["required"].insert(0, "ok")
    return components


def _narrow(schema: Schema, route: Route) -> None:
    """Say that this is the good answer, and with which codes."""
    properties = schema["properties"]
    known = properties["reason_code"].get("enum", [])
    mine = [code for code in route.codes if REASONS[code].ok]
    properties["ok"] = {"const": True}
    properties["reason_code"] = {"enum": list(dict.fromkeys([*known, *mine]))}
    schema["required"] = list(dict.fromkeys(["ok", *schema.get("required", [])]))


def _requests(kinds: Iterable[type[Struct]]) -> list[type[Request]]:
    """Find the requests, and those inside lists of requests."""
    found = dict[type[Request], None]()
    waiting = [kind for kind in kinds if issubclass(kind, Request)]
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found[kind] = None
            waiting += _inside([field.type for field in structs.fields(kind)])
    return list(found)


def _inside(kinds: Iterable[Any]) -> list[type[Request]]:
    found: list[type[Request]] = []
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Request):
            found.append(kind)
        found += _inside(get_args(kind))
    return found


def _state_groups(schema: Schema, kind: type[Request]) -> None:
    for group in kind.either:
        one_of_them = [
            {"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in group
        ]
        schema.setdefault("allOf", []).append({"anyOf": one_of_them})


def _operation(route: Route, components: Mapping[str, Schema]) -> Schema:
    # What needs the scopes of what is in it names them in its own words.
    named = route.scope not in (None, ANY_SCOPE)
    scope = f"\n\nNeeds the scope `{route.scope}`." if named else ""
    operation: Schema = {
        "operationId": route.operation_id,
        "tags": [route.tag],
        "summary": route.summary,
        "description": route.description + scope,
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": _responses(route, components),
        "security": [{"token": [route.scope] if named else []}] if route.scope else [],
    }
    if route.method == "POST":
        schema = {"$ref": _REFERENCE.format(name=route.request.__name__)}
        example = dict(route.example or example_of(schema, components))
        content = {"application/json": {"schema": schema, "example": example}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _path_parameters(route: Route) -> list[Schema]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    schema = {"type": "string", "minLength": 1, "maxLength": 255}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema, "example": f"{name}_1"}
        for name in names
    ]


def _query_parameters(route: Route) -> list[Schema]:
    if route.method == "POST":
        return []
    return [
        {
            "name": field.encode_name,
            "in": "query",
            "required": field.required,
            "schema": _without_null(msgspec.json.schema(field.type)),
        }
        for field in structs.fields(route.request)
    ]


def _without_null(schema: Schema) -> Schema:
    choices = [choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"]
    return choices[0] if len(choices) == 1 else schema


def _responses(route: Route, components: Mapping[str, Schema]) -> Schema:
    responses: Schema = {"200": _outcomes(route, components)}
    for status in sorted({STATUS[code] for code in codes_of(route)} - {HTTP_OK}):
        responses[str(status)] = {"$ref": f"#/components/responses/Status{status}"}
    return responses


def _outcomes(route: Route, components: Mapping[str, Schema]) -> Schema:
    if route.answer is None:
        content = {"application/json": {"schema": {"type": "object"}}}
        return {"description": "The document.", "headers": outcome_headers(), "content": content}
    good = {"$ref": _REFERENCE.format(name=route.answer.__name__)}
    examples = {"done": {"value": example_of(good, components)}}
    refused = [code for code in route.codes if not REASONS[code].ok and STATUS[code] == HTTP_OK]
    bad = {
        "allOf": [
            {"$ref": _REFERENCE.format(name=route.refusal.__name__)},
            {"properties": {"ok": {"const": False}, "reason_code": {"enum": refused}}},
        ]
    }
    for code in refused:
        value = {
            "ok": False,
            "reason_code": code,
            "correlation_id": examples["done"]["value"]["correlation_id"],
            "message": sentence(code),
        }
        examples[code] = {"summary": REASONS[code].meaning, "value": value}
    schema = {"oneOf": [good, bad]} if refused else good
    return {
        "description": "The outcome.",
        "headers": outcome_headers(
            replayable="request_id" in {field.name for field in structs.fields(route.request)}
        ),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }
