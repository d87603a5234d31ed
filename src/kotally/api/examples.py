"""Make an example out of a schema, so that no example can fall behind its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

Schema = Mapping[str, Any]

_FORMATS = {
    "uuid": "0199c0de-7a1e-7c3b-9f10-3b5e2d4c6a70",
    "date": "2026-04-16",
    "date-time": "2026-04-16T09:30:00.000Z",
}
_PLAIN: dict[str, Any] = {"string": "text", "integer": 1, "number": 1, "boolean": True}
_DEPTH_MAX = 12


def example_of(schema: Schema, components: Mapping[str, Schema], depth: int = _DEPTH_MAX) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Build a value that the schema accepts, from its own examples, defaults and bounds."""
    if "$ref" in schema:
        return example_of(components[schema["$ref"].rpartition("/")[2]], components, depth - 1)
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    choices: list[Schema] = list(schema.get("anyOf", ())) or list(schema.get("oneOf", ()))
    usable = [choice for choice in choices if choice.get("type") != "null" and choice != {}]
    usable = [choice for choice in usable if "required" not in choice or "type" in choice]
    if usable and depth:
        return example_of(usable[0], components, depth - 1)
    if "default" in schema:
        return schema["default"]
    return _by_type(schema, components, depth)


def _by_type(schema: Schema, components: Mapping[str, Schema], depth: int) -> Any:  # noqa: ANN401 - whatever JSON holds
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, components, depth)
    if kind == "array":
        item = schema.get("items", {})
        return [example_of(item, components, depth - 1)] if depth > 0 and item else []
    if kind == "string":
        return _FORMATS.get(schema.get("format", ""), _PLAIN["string"])
    if kind == "integer":
        return schema.get("minimum", _PLAIN["integer"])
    return _PLAIN.get(str(kind))


def _object(schema: Schema, components: Mapping[str, Schema], depth: int) -> dict[str, Any]:
    """Fill what is required, and of the rest what has an example of its own."""
    required = set(cast("list[str]", schema.get("required", [])))
    # Of fields that stand for each other only the first is shown.
    for choice in schema.get("allOf", ()):
        groups: list[Schema] = choice.get("anyOf", [])
        if groups:
            required.update(groups[0]["required"])
    properties: Mapping[str, Schema] = schema.get("properties", {})
    if depth <= 0:
        return {}
    return {
        name: example_of(field, components, depth - 1)
        for name, field in properties.items()
        if name in required
    }
