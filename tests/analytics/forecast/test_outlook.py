"""What is expected of the days ahead."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognitude_plugins.analytics.forecast.outlook import Course

from ..made import USD, daily, week


def test_a_week_of_weeks_is_as_much_as_the_weeks_before() -> None:
    found = Course(daily(*week(63))).after(63)
    assert found.weekday == 0
    assert sum(found.days(7)) == pytest.approx(54 * USD, rel=0.05)
    assert found.sums(7)[-1] == pytest.approx(sum(found.days(7)))


def test_a_clear_trend_goes_on_and_fades() -> None:
    found = Course(daily(*range(20, 80))).after(60)
    days = found.days(60)
    assert found.slope == pytest.approx(USD, rel=0.2)
    assert days[10] > days[0]
    assert days[59] - days[50] < (days[9] - days[0]) / 4


def test_chance_is_no_trend() -> None:
    assert Course(daily(*[10, 14, 7, 12, 9] * 8)).after(40).slope == 0


def test_an_outlook_knows_nothing_of_the_days_after_it() -> None:
    one, other = Course(daily(*week(30))), Course(daily(*week(30), 1000, 0, 3))
    assert one.after(30) == other.after(30)


def test_little_history_makes_a_longer_yardstick() -> None:
    few, many = Course(daily(*[10.0] * 3)).after(3), Course(daily(*[10.0] * 60)).after(60)
    assert few.yardstick(1, 10 * USD) > many.yardstick(1, 10 * USD)
    assert many.yardstick(0, 0) == 1


def test_nothing_more_can_go_wrong_when_all_of_a_day_is_there() -> None:
    """In the evening, where all is spent in office hours; also of days whose sizes do not add up to the last bit."""
    dice = random.Random(5)
    for _ in range(200):
        found = Course(daily(*[dice.random() for _ in range(30)])).after(30)
        assert found.yardstick(0, 0) == 1


def test_on_a_quiet_weekday_less_can_go_wrong() -> None:
    found = Course(daily(*[one * (1 + day % 3 / 10) for day, one in enumerate(week(61))])).after(61)
    assert found.weekday == 5
    friday = Course(daily(*[one * (1 + day % 3 / 10) for day, one in enumerate(week(60))])).after(60)
    assert found.yardstick(1, 0) < friday.yardstick(1, 0) / 2
    sizes = [max(one, 0.2) ** 2 for one in (*found.level.weekdays[5:], *found.level.weekdays[:5])]
    for days in (1, 2, 8, 17):
        expected = found.day_error * sum(sizes[day % 7] for day in range(days)) ** 0.5
        assert found.yardstick(days, 0) == pytest.approx(expected)
    assert found.yardstick(0.25, 0) == pytest.approx(found.yardstick(1, 0) / 2)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=80))
def test_sums_never_shrink(spend: list[int]) -> None:
    sums = Course(daily(*[one / USD for one in spend])).after(len(spend)).sums(90)
    assert all(0 <= one <= other for one, other in pairwise(sums))
