"""Each rule of the product's semantics has a test that names it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
# How many numbered sentences each section has.
SENTENCES: Final = {1: 7, 2: 8, 3: 6, 4: 7, 5: 7, 6: 7, 7: 8, 8: 8, 9: 8, 10: 7, 11: 5, 12: 5} | {
    14: 6,
    15: 5,
}
# The command line shows zones by S14.6, screens will; webhooks (S15.5) are not there yet.
NOT_BUILT: Final = {"S15.5"}


def test_each_rule_is_named_by_a_test() -> None:
    text = "\n".join(
        path.read_text() for path in TESTS.rglob("test_*.py") if path != Path(__file__)
    )
    named = set(re.findall(r"\bS\d+\.\d+\b", text))
    rules = {
        f"S{section}.{number}"
        for section, count in SENTENCES.items()
        for number in range(1, count + 1)
    }

    assert sorted(rules - named - NOT_BUILT) == []
