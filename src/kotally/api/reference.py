"""Render the reference page at /api/docs from the OpenAPI document; it needs no script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from kotally import __version__
from kotally.api.answers import REASONS
from kotally.api.openapi import codes_of
from kotally.api.reason import Reason
from kotally.api.routing import Route

Schema = Mapping[str, Any]

_NOT_IN_ANCHOR = re.compile(r"[^a-z0-9]+")
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
}
_REQUIRED = "required"
_FORMATS = {"date-time": "time", "uuid": "uuid"}


class Field(Struct, frozen=True):
    """Describe one field of a request."""

    name: str
    kind: str
    need: str
    description: str


class Endpoint(Struct, frozen=True):
    """Describe one endpoint as the page shows it."""

    route: Route
    anchor: str
    description: str
    fields: list[Field]
    curl: str
    answer: str
    reasons: list[Reason]


def page(routes: Sequence[Route], document: Schema) -> str:
    """Render the page as HTML."""
    environment = Environment(
        loader=PackageLoader("kotally.api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    endpoints = [_endpoint(route, document) for route in routes]
    return environment.get_template("reference.html").render(
        version=__version__,
        groups=[
            (tag, [endpoint for endpoint in endpoints if endpoint.route.tag == tag])
            for tag in dict.fromkeys(route.tag for route in routes)
        ],
        reasons=list(REASONS.values()),
    )


def _endpoint(route: Route, document: Schema) -> Endpoint:
    operation: Schema = document["paths"][route.template][route.method.lower()]
    return Endpoint(
        route=route,
        anchor=_NOT_IN_ANCHOR.sub("-", f"{route.method}{route.path}".lower()).strip("-"),
        description=route.description,
        fields=_fields(operation, document),
        curl=_curl(route, operation),
        answer=_answer(operation),
        reasons=[REASONS[code] for code in codes_of(route)],
    )


def _fields(operation: Schema, document: Schema) -> list[Field]:
    found = [
        _field(parameter["name"], parameter["schema"], _REQUIRED if parameter["required"] else "")
        for parameter in operation["parameters"]
    ]
    if "requestBody" in operation:
        name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        schema: Schema = document["components"]["schemas"][name.rpartition("/")[2]]
        needs = _needs(schema)
        found += [
            _field(name, field, needs.get(name, "")) for name, field in schema["properties"].items()
        ]
    return found


def _needs(schema: Schema) -> dict[str, str]:
    """Say of a field that it is required, or which other can stand for it."""
    needs = dict.fromkeys(schema.get("required", ()), _REQUIRED)
    for part in schema.get("allOf", ()):
        names = [choice["required"][0] for choice in part.get("anyOf", ())]
        for name in names:
            others = " or ".join(other for other in names if other != name)
            needs[name] = f"this or {others}"
    return needs


def _field(name: str, schema: Schema, need: str) -> Field:
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    core: Schema = choices[0] if choices else schema
    description: str = core.get("description", "")
    if schema.get("default") is not None:
        description = f"{description} Default {_json(schema['default'])}.".strip()
    return Field(name, _kind(core), need, description)


def _kind(schema: Schema) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(str(choice) for choice in schema["enum"])
    kind = _FORMATS.get(schema.get("format", "")) or _TYPES.get(schema.get("type", ""), "object")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{kind}, {low:,} to {high:,}"
    if "maxLength" in schema:
        return f"{kind}, up to {schema['maxLength']:,}"
    return kind


def _curl(route: Route, operation: Schema) -> str:
    lines = [f'curl "$KOTALLY{_target(route, operation)}"']
    if route.scope is not None:
        lines.append('-H "Authorization: Bearer $KOTALLY_TOKEN"')
    if "requestBody" in operation:
        example = operation["requestBody"]["content"]["application/json"]["example"]
        body = _indented(example).replace("\n", "\n  ")
        lines += ['-H "Content-Type: application/json"', f"-d '{body}'"]
    return " \\\n  ".join(lines)


def _target(route: Route, operation: Schema) -> str:
    path = route.template
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
    needed = [
        f"{parameter['name']}={parameter['schema'].get('examples', ['…'])[0]}"
        for parameter in operation["parameters"]
        if parameter["in"] == "query" and parameter["required"]
    ]
    return path + ("?" + "&".join(needed) if needed else "")


def _answer(operation: Schema) -> str:
    content = operation["responses"]["200"]["content"]["application/json"]
    examples = content.get("examples")
    if not examples:
        return ""
    return _indented(examples["done"]["value"])


def _indented(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
