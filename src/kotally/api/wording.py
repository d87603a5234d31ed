"""Put what the decoder found wrong into plain words."""

from __future__ import annotations

import re

TIME_FORM = (
    "must be a time in ISO 8601 with an offset, such as 2026-04-16T09:30:00Z "
    "(in a query, write + as %2B)"
)

_NOUNS = {
    "int": "a whole number",
    "float": "a decimal number",
    "str": "text",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
    "datetime": "a time",
    "date": "a date such as 2026-04-16",
    "uuid": "a uuid",
}
_FIXED = {
    "Invalid UUID": "must be a uuid",
    "Invalid RFC3339 encoded date": "must be a date such as 2026-04-16",
    "Invalid RFC3339 encoded datetime": TIME_FORM,
    "Expected `datetime` with a timezone component": TIME_FORM,
    "Number out of range": "is a number out of range",
}
_FORMS = {"^[A-Za-z]{3}$": "must be the three letters of a currency, such as USD"}
_TYPE = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_BOUND = re.compile(r"Expected `(?:int|float)[^`]*` (>=|<=|>|<) (-?[0-9.]+)")
_LENGTH = re.compile(r"Expected `([a-z]+)[^`]*` of length (>=|<=) ([0-9]+)")
_PATTERN = re.compile(r"Expected `str[^`]*` matching regex '([^']*)'")
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")


def split(message: str) -> tuple[str, str]:
    """Part a decoder's message from the path at its end; the path is empty for the whole body."""
    text, _, path = message.partition(" - at `")
    return text, path.removesuffix("`").removeprefix("$").removeprefix(".")


def plain(text: str) -> str:
    """Say in plain words what is expected."""
    if text in _FIXED:
        return _FIXED[text]
    if found := _TYPE.match(text):
        return _mistyped(found[1], found[2])
    if found := _LENGTH.match(text):
        return _mislength(found[1], found[2], int(found[3]))
    if found := _BOUND.match(text):
        return f"must be {found[2]} or more" if found[1] == ">=" else f"must be at most {found[2]}"
    if found := _PATTERN.match(text):
        return _FORMS.get(found[1], "does not have the form this field needs")
    if found := _MISSING.match(text):
        return f"lacks the required field {found[1]}"
    if found := _UNKNOWN.match(text):
        return f"has a field that is not known: {found[1]}"
    return f"is not accepted: {text.replace('`', '')}"


def _mistyped(wanted: str, got: str) -> str:
    names = [name for name in wanted.split(" | ") if name != "null"]
    if names == ["datetime"]:
        return TIME_FORM
    expected = " or ".join(_NOUNS.get(name, name) for name in names)
    return f"must be {expected}, not {_NOUNS.get(got, got)}"


def _mislength(kind: str, sign: str, length: int) -> str:
    unit = "characters" if kind == "str" else "items"
    if sign == "<=":
        return f"must have at most {length} {unit}"
    return "must not be empty" if length == 1 else f"must have at least {length} {unit}"
