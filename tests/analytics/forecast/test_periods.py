"""Current days, weeks, months and years."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.forecast.periods import PERIODS, period


def test_each_has_its_first_and_last_day() -> None:
    today = date(2028, 2, 29)
    found = {name: (period(name, today).first, period(name, today).last) for name in PERIODS}
    assert found == {
        "day": (today, today),
        "week": (date(2028, 2, 28), date(2028, 3, 5)),
        "month": (date(2028, 2, 1), today),
        "year": (date(2028, 1, 1), date(2028, 12, 31)),
    }


@given(st.dates(date(2000, 1, 1), date(2999, 12, 31)))
def test_the_day_after_the_last_begins_another(today: date) -> None:
    for name in PERIODS:
        one = period(name, today)
        assert one.first <= today <= one.last
        assert period(name, one.last + timedelta(days=1)).first == one.last + timedelta(days=1)
