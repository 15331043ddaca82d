"""Levels and weekdays that are learned day by day."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.forecast.levels import levels

from ..made import USD, week


def test_the_same_every_day_is_expected_to_go_on() -> None:
    last = levels([USD] * 30, 0)[-1]
    assert [last.expected(day) for day in range(7)] == pytest.approx([USD] * 7)


def test_weekends_are_learned() -> None:
    last = levels([round(one * USD) for one in week(70)], 0)[-1]
    assert last.expected(2) == pytest.approx(10 * USD, rel=0.05)
    assert last.expected(6) == pytest.approx(2 * USD, rel=0.1)


def test_a_burst_leaves_the_level_nearly_alone_and_a_shift_moves_it() -> None:
    calm = [USD, round(1.2 * USD), round(0.8 * USD)] * 14
    before, after = levels(calm, 0)[-1], levels([*calm, 50 * USD], 0)[-1]
    assert after.level < before.level * 1.2
    assert levels([*calm, *[3 * USD] * 21], 0)[-1].level == pytest.approx(3 * USD, rel=0.2)


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=60), st.integers(0, 6))
def test_whatever_was_spent_nothing_below_zero_is_expected(spend: list[int], weekday: int) -> None:
    for level in levels(spend, weekday):
        assert 0 <= level.level <= 2 * max(spend) + 1
        assert level.deviation >= 0
        assert all(0 <= level.expected(day) < float("inf") for day in range(7))
