"""A history's own errors, and how its intervals did."""

from __future__ import annotations

import random

import pytest

from cognitude_plugins.analytics.forecast.outlook import Course
from cognitude_plugins.analytics.forecast.past import Kept, Past

from ..made import ONE_UNIT, USD, daily, week


def noisy(days: int) -> list[float]:
    chance = random.Random(4)
    return [one * chance.uniform(0.5, 1.5) for one in week(days)]


def test_own_errors_are_those_of_forecasts_that_have_ended() -> None:
    history = daily(*noisy(40))
    past = Past(history, ONE_UNIT, most=30)
    errors = []
    for origin in range(3, 34):
        outlook = Course(history).after(origin)
        expected = sum(outlook.days(7))
        errors.append((sum(history.spend[origin : origin + 7]) - expected) / outlook.yardstick(7, expected))
    own = past.own(40, 7)
    assert own.errors == pytest.approx(sorted(errors))
    assert own.weight == pytest.approx(len(errors) / 7)
    assert past.own(20, 10).errors == ()


def test_an_interval_does_not_know_what_came() -> None:
    dollars = noisy(60)
    before = Past(daily(*dollars[:50]), ONE_UNIT, most=30)
    after = Past(daily(*dollars), ONE_UNIT, most=30)
    for ahead in (1, 7):
        expected = before.sums(50)[ahead - 1]
        assert before.interval(50, expected, ahead, 0.8) == after.interval(50, expected, ahead, 0.8)


def test_past_intervals_do_not_overlap_and_end_with_the_history() -> None:
    past = Past(daily(*noisy(40)), ONE_UNIT, most=30)
    contained = 0
    for origin in range(33, 2, -7):
        found = past.interval(origin, past.sums(origin)[6], 7, 0.8)
        contained += found.low <= sum(daily(*noisy(40)).spend[origin : origin + 7]) <= found.high
    assert past.kept(7, 0.8) == Kept(days=7, intervals=5, contained=contained)
    assert past.kept(30, 0.8).intervals == 1
    assert Past(daily(), ONE_UNIT, most=30).kept(1, 0.8).intervals == 0


def test_few_intervals_say_little() -> None:
    few, many = Kept(days=30, intervals=2, contained=2), Kept(days=1, intervals=100, contained=80)
    assert few.share == 1
    assert few.low == pytest.approx(0.342, abs=0.001)
    assert (many.low, many.high) == pytest.approx((0.7112, 0.8666), abs=0.001)
    nothing = Kept(days=30, intervals=0, contained=0)
    assert (nothing.share, nothing.low, nothing.high) == (None, None, None)


def test_nothing_below_zero_is_in_an_interval() -> None:
    past = Past(daily(1, 0, 9), ONE_UNIT, most=30)
    assert past.interval(3, 0.1 * USD, 1, 0.8).low == 0
