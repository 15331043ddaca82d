"""Days of a time zone in SQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Integer, create_engine, literal, select

from cognitude_plugins.analytics.calendar_days import Days

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "America/Havana", "Africa/Cairo")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("first", "last"), [("2026-03-01", "2026-04-30"), ("2026-09-20", "2026-11-10")])
def test_every_hour_is_of_its_day(zone: str, first: str, last: str) -> None:
    days = Days.of(date.fromisoformat(first), date.fromisoformat(last), zone)
    moments = []
    moment = days.since
    while moment < days.until:
        moments.append(moment)
        moment += timedelta(minutes=470)
    moments += [moment - timedelta(milliseconds=1) for moment in moments[1:]]
    numbers = [days.number(literal(_ms(one), Integer)) for one in moments]
    with create_engine("sqlite://").connect() as connection:
        found = [connection.execute(select(number)).scalar() for number in numbers]
    expected = [(one.astimezone(ZoneInfo(zone)).date() - days.dates[0]).days for one in moments]
    assert found == expected


def test_a_day_of_the_change_has_23_or_25_hours() -> None:
    spring = Days.of(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")
    autumn = Days.of(date(2026, 10, 25), date(2026, 10, 25), "Europe/Berlin")
    assert (spring.until - spring.since, autumn.until - autumn.since) == (timedelta(hours=23), timedelta(hours=25))


def _ms(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
