"""From now to the end of each day ahead."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognitude_plugins.analytics.forecast.past import Past
from cognitude_plugins.analytics.forecast.prospect import Today, prospect, rest_of_today

from ..made import ONE_UNIT, USD, daily, week


def test_half_a_day_is_not_a_whole_one() -> None:
    """A Monday at noon, on which as much was spent as usual: tomorrow is a whole day all the same."""
    past = Past(daily(*week(28)), ONE_UNIT, most=10)
    found = prospect(past, 28, Today(spent=5 * USD, over=0.5), days=2, level=0.8)
    assert found.days == pytest.approx((5 * USD, 10 * USD, 10 * USD), rel=0.1)
    assert found.ahead[2].expected == pytest.approx(25 * USD, rel=0.1)


def test_late_in_the_day_its_own_pace_counts() -> None:
    assert rest_of_today(10, Today(spent=0, over=0)) == 10
    assert rest_of_today(10, Today(spent=5, over=0.5)) == pytest.approx(5)
    assert rest_of_today(10, Today(spent=45, over=0.9)) == pytest.approx(4.6)
    assert rest_of_today(10, Today(spent=45, over=1)) == 0


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 10**12), min_size=3, max_size=40),
    st.integers(0, 10**13),
    st.floats(0, 1),
    st.sampled_from((0.5, 0.8, 0.95)),
)
def test_longer_times_cost_no_less(spend: list[int], spent: int, over: float, level: float) -> None:
    history = daily(*[one / USD for one in spend])
    past = Past(history, ONE_UNIT, most=31)
    found = prospect(past, len(spend), Today(spent=spent, over=over), days=20, level=level)
    assert len(found.ahead) == len(found.days) == 21
    for one, later in pairwise(found.ahead):
        assert 0 <= one.low <= one.expected <= one.high
        assert (one.low, one.expected, one.high) <= (later.low, later.expected, later.high)
