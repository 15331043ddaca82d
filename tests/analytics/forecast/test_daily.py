"""Which days a forecast is made of."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.forecast.daily import whole_days

SINCE = date(2026, 1, 1)


def test_the_first_day_with_spend_and_today_are_not_whole() -> None:
    spend = {SINCE + timedelta(days=day): 10 + day for day in (3, 4, 6, 7)}
    found = whole_days(spend, since=SINCE, today=SINCE + timedelta(days=7))
    assert found.first == SINCE + timedelta(days=4)
    assert found.spend == (14, 0, 16)
    assert found.weekday == found.first.weekday()


def test_a_history_that_was_cut_off_begins_with_a_whole_day() -> None:
    assert whole_days({SINCE: 1}, since=SINCE, today=SINCE + timedelta(days=2)).spend == (1, 0)


@given(st.dictionaries(st.integers(-5, 40), st.integers(0, 9)), st.integers(0, 40))
def test_every_day_is_there_once(costs: dict[int, int], ahead: int) -> None:
    spend = {SINCE + timedelta(days=day): cost for day, cost in costs.items()}
    today = SINCE + timedelta(days=ahead)
    found = whole_days(spend, since=SINCE, today=today)
    assert found.first + timedelta(days=len(found)) == today
    for day, cost in enumerate(found.spend):
        assert cost == spend.get(found.first + timedelta(days=day), 0)
