"""Windows of the calendar, over months, zones and changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.limiter.calendar import calendar_window

PERIODS = ("second", "minute", "hour", "day", "week", "month")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham")


def ms(*parts: int, zone: str = "UTC", fold: int = 0) -> int:
    return int(datetime(*parts, tzinfo=ZoneInfo(zone), fold=fold).timestamp()) * 1000  # type: ignore[arg-type, misc]


def test_a_month_has_the_days_it_has() -> None:
    start, end, after = calendar_window("month", "UTC", ms(2028, 2, 29, 23, 59, 59))
    assert (start, end, after) == (ms(2028, 2, 1), ms(2028, 3, 1), ms(2028, 4, 1))
    assert calendar_window("month", "UTC", ms(2026, 12, 31))[1:] == (ms(2027, 1, 1), ms(2027, 2, 1))


def test_a_week_begins_on_monday_at_midnight_of_the_zone() -> None:
    start, end, _ = calendar_window("week", "Asia/Kolkata", ms(2026, 11, 29, 18, 29, 59))
    assert start == ms(2026, 11, 23, zone="Asia/Kolkata")
    assert end == ms(2026, 11, 30, zone="Asia/Kolkata") == ms(2026, 11, 29, 18, 30)


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 7, 1), 24)])
def test_a_day_is_as_long_as_the_clock_makes_it(day: tuple[int, int, int], hours: int) -> None:
    noon = ms(*day, 12, zone="Europe/Berlin")
    start, end, _ = calendar_window("day", "Europe/Berlin", noon)
    assert end - start == hours * 3_600_000
    assert start == ms(*day, zone="Europe/Berlin")


def test_an_hour_that_the_clock_repeats_is_two_windows() -> None:
    first = calendar_window("hour", "Europe/Berlin", ms(2026, 10, 25, 2, 30, zone="Europe/Berlin"))
    second = calendar_window("hour", "Europe/Berlin", ms(2026, 10, 25, 2, 30, zone="Europe/Berlin", fold=1))
    assert first[1] == second[0]
    assert second[1] - second[0] == 3_600_000


def test_a_zone_that_nobody_knows_is_utc() -> None:
    assert calendar_window("day", "Mars/Olympus", ms(2026, 5, 5, 5)) == calendar_window("day", "UTC", ms(2026, 5, 5, 5))
    assert calendar_window("day", "../etc/passwd", 0) == calendar_window("day", "UTC", 0)


@given(
    st.sampled_from(PERIODS),
    st.sampled_from(ZONES),
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 1, 1)),
)
def test_windows_lie_side_by_side_and_every_moment_is_in_its_own(per: str, zone: str, moment: datetime) -> None:
    now = int(moment.replace(tzinfo=UTC).timestamp()) * 1000
    start, end, after = calendar_window(per, zone, now)
    assert start <= now < end < after
    assert calendar_window(per, zone, end)[:2] == (end, after)
    assert calendar_window(per, zone, start) == (start, end, after)
