"""Percentiles of the last thousand."""

from __future__ import annotations

from cognitude_plugins.redis_cache.timings import Timings


def test_nothing_has_no_percentile() -> None:
    assert Timings().quantiles(0.5, 0.99) == [None, None]


def test_they_are_of_what_came_last() -> None:
    timings = Timings()
    for number in range(1, 3001):
        timings.add(float(number))
    assert timings.count == 3000
    assert timings.quantiles(0, 0.5, 0.95, 0.99, 1) == [2001, 2500, 2950, 2990, 3000]
