"""The projection: sure of little, and of that honestly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.alert_channels.budgets.period import period_of
from cognitude_plugins.alert_channels.budgets.projection import looks, own_pace, pace_of, pace_to, projected
from hooks import Sums
from tests.alert_channels.budgets.made import NOW, USD

MONTH = period_of("month", "UTC", NOW)


def sums(**calls_and_usd: tuple[int, int]) -> dict[int, Sums]:
    return {
        int(days[1:]): Sums(group={}, calls=calls, cost_nano_usd=usd * USD)
        for days, (calls, usd) in calls_and_usd.items()
    }


def test_whole_days_of_utc_before_today_are_looked_at() -> None:
    midnight = datetime(2026, 11, 29, tzinfo=UTC)
    assert looks(NOW) == tuple((midnight - timedelta(days=days), midnight) for days in (28, 14, 7, 3))


@pytest.mark.parametrize(
    ("found", "usd"),
    [
        (sums(d28=(9, 90), d14=(5, 28), d7=(5, 28), d3=(0, 0)), 2),
        (sums(d28=(9, 90), d14=(9, 90), d7=(5, 28), d3=(1, 3)), 4),
        (sums(d28=(9, 90), d14=(9, 90), d7=(9, 90), d3=(5, 27)), 9),
        (sums(d28=(9, 90), d14=(0, 0), d7=(0, 0), d3=(0, 0)), 0),
        (sums(d28=(9, 90), d14=(9, 90), d7=(9, 90), d3=(9, 90)), None),
        (sums(d28=(0, 0), d14=(0, 0), d7=(0, 0), d3=(0, 0)), None),
    ],
    ids=["14 days", "7 days", "3 days", "idle for two weeks", "new since 3 days", "no calls"],
)
def test_the_pace_is_that_of_as_many_days_as_there_were_calls_for(found: Any, usd: int | None) -> None:
    assert pace_of(found) == (None if usd is None else usd * USD)


def test_a_period_has_a_pace_of_its_own_when_30_per_cent_are_over() -> None:
    nine_days = MONTH.start + timedelta(days=9)
    assert own_pace(90 * USD, MONTH, nine_days - timedelta(seconds=1)) is None
    assert own_pace(90 * USD, MONTH, nine_days) == 10 * USD
    assert own_pace(90 * USD, period_of("total", "UTC", NOW), NOW) is None


def test_what_is_left_is_spent_at_the_pace_and_the_day_is_said() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    found = projected(60 * USD, 100 * USD, 10.0 * USD, MONTH, now, "UTC")
    assert found is not None
    assert (found.nano_usd, str(found.exhausted_on)) == (160 * USD, "2026-11-25")


def test_the_pace_to_another_forecast_leads_there() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    pace = pace_to(150 * USD, 60 * USD, MONTH, now)
    found = projected(60 * USD, 100 * USD, pace, MONTH, now, "UTC")
    assert found is not None
    assert found.nano_usd == 150 * USD
    below = pace_to(50 * USD, 60 * USD, MONTH, now)
    assert below == 0


amounts = st.integers(0, 10**15)


@given(amounts, st.integers(1, 10**15), st.floats(0, 1e15), st.floats(0, 0.999999))
def test_a_forecast_is_never_below_what_was_spent(spent: int, amount: int, pace: float, gone: float) -> None:
    assert MONTH.end is not None
    now = MONTH.start + (MONTH.end - MONTH.start) * gone
    found = projected(spent, amount, pace, MONTH, now, "UTC")
    assert found is not None
    assert found.nano_usd >= spent
    assert (found.exhausted_on is not None) == (spent < amount < found.nano_usd)
    if found.exhausted_on is not None:
        assert now.date() <= found.exhausted_on <= MONTH.end.date() - timedelta(days=1)


def test_there_is_no_forecast_without_a_pace_or_an_end() -> None:
    assert projected(1, 2, None, MONTH, NOW, "UTC") is None
    assert projected(1, 2, 3.0, period_of("total", "UTC", NOW), NOW, "UTC") is None
