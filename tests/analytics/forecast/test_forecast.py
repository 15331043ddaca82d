"""The whole forecast, over sums that are known."""

from __future__ import annotations

from datetime import date

import pytest

from cognitude_plugins.analytics.forecast.forecast import Asked, forecast

from ..made import MONDAY, ONE_UNIT, USD, spending, week

ASKED = Asked(level=0.8, days=14)


def test_a_total_is_what_is_spent_and_what_is_expected_of_the_rest() -> None:
    """On Monday, 20 July, after seven weeks of 54 dollars; the day before the first of them does not count."""
    found = forecast(spending(week(49), today=5, hour=12), ONE_UNIT, ASKED)
    assert found.reason is None
    assert (found.history.first, len(found.history)) == (MONDAY, 49)
    totals = found.totals
    assert totals["month"].spent == sum(round(one * USD) for one in week(49)[30:]) + 5 * USD
    assert totals["year"].spent == 7 * 54 * USD + 5 * USD + USD // 100
    assert totals["week"].whole.expected == pytest.approx(54 * USD, rel=0.07)
    assert totals["day"].whole.expected == pytest.approx(10 * USD, rel=0.07)
    for one in totals.values():
        assert one.spent <= one.whole.low <= one.whole.expected <= one.whole.high
    assert (totals["year"].period.last, totals["week"].period.last) == (date(2026, 12, 31), date(2026, 7, 26))


@pytest.mark.parametrize(("days", "why"), [(0, "0 whole days"), (2, "2 whole days"), (3, None)])
def test_under_three_days_there_is_none_and_it_says_why(days: int, why: str | None) -> None:
    found = forecast(spending([1.0] * days, today=1), ONE_UNIT, Asked(level=0.8, days=3, budget=10 * USD))
    assert (found.prospect is None) == (found.totals == {}) == (why is not None)
    assert found.run_out is not None
    if why is not None:
        assert found.reason is not None
        assert found.reason.startswith(why)


def test_of_nothing_nothing_is_forecast() -> None:
    found = forecast(spending([0.0] * 9), ONE_UNIT, ASKED)
    assert found.reason == "Nothing was spent on the 9 days before today."


def test_a_week_may_end_after_the_year() -> None:
    found = forecast(spending(week(213)), ONE_UNIT, Asked(level=0.8, days=1))
    assert found.totals["week"].period.last == date(2027, 1, 3)
    assert found.totals["week"].whole.expected >= found.totals["day"].whole.expected


def test_a_budget_is_of_its_period() -> None:
    found = forecast(spending(week(49), today=5), ONE_UNIT, Asked(level=0.8, days=1, period="week", budget=30 * USD))
    assert found.budget_spent == 5 * USD
    assert found.run_out is not None
    expected, early, late = found.run_out.expected, found.run_out.earliest, found.run_out.latest
    assert expected in (date(2026, 7, 22), date(2026, 7, 23))
    assert expected is not None
    assert early is not None
    assert early <= expected
    assert late is None or late >= expected


def test_a_wider_level_is_wider() -> None:
    narrow, wide = (forecast(spending(week(49)), ONE_UNIT, Asked(level=one, days=1)) for one in (0.5, 0.95))
    for name, one in narrow.totals.items():
        assert wide.totals[name].whole.low <= one.whole.low
        assert one.whole.high <= wide.totals[name].whole.high
