"""Sizes, names and shapes, held on every file; each rule is also seen to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.house import tidy
from tests.house.source import Finding, Module, Text, judged, module, modules, sample, texts

Check = Callable[[Iterable[Module]], Iterator[Finding]]
OURS = ("src/", "bench/")
ALL = ("src/", "bench/", "tests/")


@pytest.mark.parametrize(
    ("rule", "check", "folders"),
    [
        ("function-length", tidy.long_functions, ALL),
        ("module-length", tidy.long_modules, ALL),
        ("positional", tidy.positional_parameters, OURS),
        ("module-name", tidy.module_names, ALL),
        ("parameter-name", tidy.parameter_names, ("src/",)),
        ("integers", tidy.floats, ("src/",)),
        ("silence", tidy.silent_escapes, ALL),
    ],
)
def test_every_module_is_tidy(rule: str, check: Check, folders: tuple[str, ...]) -> None:
    files = modules(*folders)

    assert judged(rule, files, check(files)) == []


def test_every_sql_function_and_view_is_short() -> None:
    files = texts("src/kotally/sql/", ".sql")

    assert judged("sql-length", files, tidy.long_sql(files)) == []


def test_every_template_is_short() -> None:
    files = texts("src/", ".html")

    assert judged("template-length", files, tidy.long_templates(files)) == []


def lines(count: int, indent: str = "") -> str:
    """Make so many lines of code."""
    return f"{indent}x = 1\n" * count


CAUGHT = [
    (tidy.long_functions, "def f():\n" + lines(50, "    ")),
    (tidy.long_functions, "class A:\n    async def f(self):\n" + lines(50, "        ")),
    (tidy.long_modules, lines(301)),
    (tidy.positional_parameters, "def f(a, b, c, d): ..."),
    (tidy.positional_parameters, "class A:\n    def f(self, a, b, c, d): ..."),
    (tidy.parameter_names, "def f(data): ..."),
    (tidy.parameter_names, "def f(*, tmp): ..."),
    (tidy.parameter_names, "f = lambda info: info"),
    (tidy.floats, "half = 0.5"),
    (tidy.floats, "def f(a: float): ..."),
    (tidy.floats, "share = a / b"),
    (tidy.silent_escapes, "x = 1  # noqa"),
    (tidy.silent_escapes, "x = 1  # noqa: S608"),
    (tidy.silent_escapes, "x = 1  # noqa: S608 - ok"),
    (tidy.silent_escapes, "x = 1  # type: ignore"),
    (tidy.silent_escapes, "x = 1  # pyright: ignore[reportAny]"),
    (tidy.silent_escapes, "x = 1  # pragma: no cover"),
    (tidy.silent_escapes, "# ruff: noqa"),
    (tidy.silent_escapes, "# fmt: off"),
]

LET_THROUGH = [
    (tidy.long_functions, "def f():\n" + lines(49, "    ")),
    (tidy.long_functions, 'def f():\n    """\n' + "words\n" * 60 + '    """\n'),
    (tidy.long_modules, lines(300)),
    (tidy.positional_parameters, "def f(a, b, c, *, d, e): ..."),
    (tidy.positional_parameters, "class A:\n    def f(self, a, b, c): ..."),
    (tidy.parameter_names, "data = f(amount)"),
    (tidy.floats, "whole = a // b"),
    (tidy.silent_escapes, "x = 1  # noqa: S608, S101 - the name is one of our own"),
    (tidy.silent_escapes, "x = 1  # pyright: ignore[reportAny] - rows have any shape"),
    (tidy.silent_escapes, "x = 1  # pragma: no cover - only on another system"),
]


@pytest.mark.parametrize(("check", "text"), CAUGHT)
def test_untidy_code_is_caught(check: Check, text: str) -> None:
    assert list(check(sample(text)))


@pytest.mark.parametrize(("check", "text"), LET_THROUGH)
def test_tidy_code_is_let_through(check: Check, text: str) -> None:
    assert list(check(sample(text))) == []


@pytest.mark.parametrize("path", ["src/kotally/utils.py", "src/kotally/common/lots.py"])
def test_a_name_that_says_nothing_is_caught(path: str) -> None:
    assert list(tidy.module_names([module(path, "")]))


def test_a_fraction_outside_the_domain_is_let_through() -> None:
    assert list(tidy.floats(sample("ratio = 0.5", "src/kotally/api/sample.py"))) == []


def sql(body_lines: int) -> list[Text]:
    """Make a function of so many lines, with a comment that does not count."""
    text = "-- what it does\ncreate or replace function kotally.f() as $$\n"
    return [Text("f.sql", text + "  -- why\n" + "select 1;\n" * (body_lines - 2) + "$$;\n")]


def test_a_long_sql_function_is_caught_and_a_short_one_let_through() -> None:
    assert [f.line for f in tidy.long_sql(sql(81))] == [2]
    assert list(tidy.long_sql(sql(80))) == []


def test_a_long_template_is_caught() -> None:
    assert list(tidy.long_templates([Text("a.html", "<p>\n" * 121)]))


@pytest.mark.parametrize(
    ("comment", "verdict"),
    [
        ("# house: positional: the protocol fixes the order", None),
        ("# house: positional", "gives no reason"),
        ("# house: positional: ok", "gives no reason"),
        ("# house: integers: another rule", "takes 4 by position"),
    ],
)
def test_an_escape_needs_its_rule_and_a_reason(comment: str, verdict: str | None) -> None:
    files = sample(f"def f(a, b, c, d): ...  {comment}")

    found = judged("positional", files, tidy.positional_parameters(files))

    assert (verdict in found[0]) if verdict else (found == [])


def test_an_escape_that_excuses_nothing_is_caught() -> None:
    files = sample("def f(a): ...  # house: positional: the protocol fixes the order")

    assert "excuses nothing" in judged("positional", files, [])[0]
