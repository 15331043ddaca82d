"""When a budget runs out."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.forecast.budget import RunOut, run_out
from cognitude_plugins.analytics.forecast.past import Interval
from cognitude_plugins.analytics.forecast.periods import period
from cognitude_plugins.analytics.forecast.prospect import Prospect

TODAY = date(2026, 6, 10)
JUNE = period("month", TODAY)
SPEND = {date(2026, 5, 31): 1000, date(2026, 6, 1): 30, date(2026, 6, 9): 20, TODAY: 5}


def ahead(*, day: int = 10, width: int = 5, days: int = 60) -> Prospect:
    sums = tuple(
        Interval(low=one * (day - width), expected=one * day, high=one * (day + width)) for one in range(1, days)
    )
    return Prospect(ahead=sums, days=(day,) * (days - 1))


def test_it_runs_out_on_the_day_that_reaches_it_and_not_before() -> None:
    found = run_out(155, JUNE, SPEND, TODAY, ahead())
    assert found == RunOut(expected=date(2026, 6, 19), earliest=date(2026, 6, 16), latest=date(2026, 6, 29))


def test_after_the_period_is_not_within_it() -> None:
    assert run_out(400, JUNE, SPEND, TODAY, ahead()) == RunOut()
    assert run_out(300, JUNE, SPEND, TODAY, ahead()) == RunOut(earliest=date(2026, 6, 26))


def test_one_that_is_used_up_was_on_a_day() -> None:
    assert run_out(50, JUNE, SPEND, TODAY, ahead()) == RunOut(used_up=date(2026, 6, 9))
    assert run_out(55, JUNE, SPEND, TODAY, None) == RunOut(used_up=TODAY)
    assert run_out(56, JUNE, SPEND, TODAY, None) == RunOut()


@given(st.integers(1, 2000), st.integers(1, 50), st.integers(0, 50))
def test_the_days_are_those_of_counting_by_hand(budget: int, day: int, width: int) -> None:
    width = min(day, width)
    found = run_out(budget, JUNE, SPEND, TODAY, ahead(day=day, width=width))
    if budget <= 55:
        assert found.used_up is not None
        return
    for date_found, pace in ((found.earliest, day + width), (found.expected, day), (found.latest, day - width)):
        left, expected = budget - 55, None
        for number in range(21):
            left -= pace
            if left <= 0:
                expected = TODAY + timedelta(days=number)
                break
        assert date_found == expected
