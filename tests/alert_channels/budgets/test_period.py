"""Periods of the calendar, also where clocks are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.alert_channels.budgets.period import period_of

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Santiago", "Pacific/Apia")
PERIODS: Any = ("day", "week", "month")
moments = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))


@given(st.sampled_from(PERIODS), st.sampled_from(ZONES), moments)
def test_every_moment_is_in_exactly_one_period(per: Any, zone: str, now: datetime) -> None:
    found = period_of(per, zone, now)
    assert found.end is not None
    assert found.start <= now < found.end
    before, after = period_of(per, zone, found.start - timedelta(seconds=1)), period_of(per, zone, found.end)
    assert (before.end, after.start) == (found.start, found.end)
    assert len({before.name, found.name, after.name}) == 3


@pytest.mark.parametrize(
    ("per", "zone", "now", "name", "start", "end"),
    [
        ("day", "Europe/Berlin", "2026-03-29T12:00Z", "2026-03-29", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("day", "Europe/Berlin", "2026-10-25T12:00Z", "2026-10-25", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        ("week", "America/New_York", "2026-11-01T12:00Z", "2026-W44", "2026-10-26T04:00Z", "2026-11-02T05:00Z"),
        ("month", "America/New_York", "2026-11-30T12:00Z", "2026-11", "2026-11-01T04:00Z", "2026-12-01T05:00Z"),
        ("month", "Asia/Kolkata", "2026-11-30T19:00Z", "2026-12", "2026-11-30T18:30Z", "2026-12-31T18:30Z"),
        ("week", "UTC", "2027-01-02T00:00Z", "2026-W53", "2026-12-28T00:00Z", "2027-01-04T00:00Z"),
    ],
)
def test_a_period_is_that_of_the_zone(per: Any, zone: str, now: str, name: str, start: str, end: str) -> None:
    found = period_of(per, zone, datetime.fromisoformat(now))
    assert (found.name, found.start, found.end) == (name, datetime.fromisoformat(start), datetime.fromisoformat(end))


def test_a_total_begins_with_its_day_and_has_no_end() -> None:
    found = period_of("total", "Europe/Berlin", datetime(2026, 11, 29, tzinfo=UTC), date(2026, 7, 1))
    assert (found.name, found.start, found.end) == ("since 2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC), None)
    assert found.elapsed(datetime(2026, 11, 29, tzinfo=UTC)) is None


def test_the_share_that_has_gone_by_is_of_its_real_length() -> None:
    hours = [datetime(2026, 10, 24, 22, tzinfo=UTC) + timedelta(hours=hour) for hour in range(25)]
    shares = [period_of("day", "Europe/Berlin", hour).elapsed(hour) or 0.0 for hour in hours]
    assert shares[0] == 0
    assert all(abs(later - earlier - 1 / 25) < 1e-9 for earlier, later in pairwise(shares))
