"""What each day of the week is of the mean day."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.forecast.weekdays import Weekdays


def learned(shares: list[float]) -> Weekdays:
    found = Weekdays()
    for day, share in enumerate(shares):
        found.learn(day % 7, share)
    return found


def test_a_clear_week_is_known_after_two() -> None:
    found = learned([1.2, 1.2, 1.2, 1.2, 1.2, 0.5, 0.5] * 2)
    assert found.factors == pytest.approx([1.2] * 5 + [0.5] * 2, abs=0.05)


def test_what_looks_like_a_week_by_chance_is_not_believed() -> None:
    chance = random.Random(3)
    assert learned([chance.uniform(0.4, 1.6) for _ in range(28)]).factors == pytest.approx([1] * 7, abs=0.1)


def test_a_single_burst_does_not_count() -> None:
    shares = [1.0] * 42
    shares[16] = 5.0
    assert learned(shares).factors == pytest.approx([1] * 7, abs=0.01)


@given(st.lists(st.floats(0, 100), max_size=40))
def test_the_mean_of_them_is_one(shares: list[float]) -> None:
    factors = learned(shares).factors
    assert sum(factors) == pytest.approx(7)
    assert min(factors) >= 0
