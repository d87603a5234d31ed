"""Coverage: calendars and weights as they are typed."""

from __future__ import annotations

import pytest

from kotally.products.coverage import WIDTH_OF_ALL, coverage_fault, parse_coverage, width
from kotally.workspaces.refusals import Refused


@pytest.mark.parametrize(
    ("specs", "coverage"),
    [
        ([], None),
        (["cal_1"], {"cal_1": 1}),
        (["cal_1", "cal_2:2"], {"cal_1": 1, "cal_2": 2}),
        (["a:b:1"], {"a:b": 1}),
        (["a:b:3"], {"a:b": 3}),
        ([" cal_1 "], {"cal_1": 1}),
    ],
)
def test_what_is_typed_is_covered(specs: list[str], coverage: dict[str, int] | None) -> None:
    assert parse_coverage(specs) == coverage


@pytest.mark.parametrize(
    ("specs", "says"),
    [
        (["cal_1", "cal_1:2"], "twice"),
        ([""], "empty"),
        ([":2"], "write cal_1, or cal_1:2"),
        ([":"], "write cal_1"),
        (["cal:x"], "write cal:2 for two credits, or cal:x:1 if the colon"),
        (["cal_1:1.5"], "write cal_1:2"),
        (["cal_1:"], "write cal_1:2 for two credits, or cal_1:1"),
        (["cal_1:" + "9" * 19], "not a number of credits"),
        (["cal_1:0"], "not 0"),
        (["cal_1:-1"], "not -1"),
        (["cal_1:-2"], "costs 1 to 1000 credits, not -2"),
        (["cal_1:1001"], "1001"),
        (["x" * 256], "256"),
    ],
)
def test_what_covers_nothing_is_refused(specs: list[str], says: str) -> None:
    refused = parse_coverage(specs)

    assert isinstance(refused, Refused)
    assert says in refused.message


def test_an_empty_coverage_is_not_all() -> None:
    assert isinstance(coverage_fault({}), Refused)
    assert coverage_fault(None) is None


def test_the_width_counts_calendars() -> None:
    assert (width({"a": 1, "b": 9}), width(None)) == (2, WIDTH_OF_ALL)
