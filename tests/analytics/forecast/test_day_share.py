"""How much of a day is over."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from cognitude_plugins.analytics.forecast.day_share import share_over

DAY = date(2026, 6, 10)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, 10, hour, minute)


def test_without_a_past_it_goes_by_the_clock() -> None:
    assert share_over({}, at(0)) == 0
    assert share_over({(DAY, 9): 100}, at(12)) == pytest.approx(0.5)
    assert share_over({}, at(18, 30)) == pytest.approx(18.5 / 24)


def test_with_one_it_goes_by_the_hours_at_which_money_was_spent() -> None:
    hours = {(DAY - timedelta(days=day), hour): day * 10 for day in range(1, 29) for hour in (9, 10, 11, 12)}
    assert share_over(hours, at(9)) == pytest.approx((2 * 9 / 24) / 30)
    assert share_over(hours, at(10, 30)) == pytest.approx((2 * 10.5 / 24 + 28 * 0.375) / 30)
    assert share_over(hours, at(23, 59)) > 0.99
