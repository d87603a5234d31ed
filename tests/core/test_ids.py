"""Ids: sorted, unique, readable."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kotally.core import clock, ids


def test_ids_are_version_7_of_now() -> None:
    made = ids.new_id()

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert abs((made.int >> 80) - time.time_ns() // 1_000_000) < 1_000


def test_ids_of_one_process_sort_by_the_order_of_making() -> None:
    made = [ids.new_id() for _ in range(20_000)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_of_many_threads_are_unique() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [
            id_
            for part in pool.map(lambda _: [ids.new_id() for _ in range(2_000)], range(8))
            for id_ in part
        ]

    assert len(set(made)) == len(made)


def test_a_clock_that_goes_back_does_not_unsort_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids.new_id()
    monkeypatch.setattr("kotally.core.ids.time.time_ns", lambda: 1)

    assert ids.new_id() > before


def test_public_ids_are_short_and_readable() -> None:
    made = ids.public_id("loc")

    assert made.startswith("loc_")
    assert len(made) == 16
    assert set(made[4:]) <= set(ids.READABLE)
    assert not set("ilou") & set(ids.READABLE)


def test_the_clock_is_aware() -> None:
    assert clock.now().utcoffset() is not None
    assert clock.monotonic_ns() <= clock.monotonic_ns()
