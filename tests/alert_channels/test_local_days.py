"""Days and clocks of a time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from cognitude_plugins.alert_channels.local_days import begun, moment, monday, today, zone_of


@pytest.mark.parametrize(
    ("day", "clock", "zone", "expected"),
    [
        ("2026-03-29", "02:30", "Europe/Berlin", "2026-03-29T01:30Z"),
        ("2026-10-25", "02:30", "Europe/Berlin", "2026-10-25T00:30Z"),
        ("2026-11-01", "01:30", "America/New_York", "2026-11-01T05:30Z"),
        ("2026-11-29", "08:00", "Asia/Kolkata", "2026-11-29T02:30Z"),
    ],
    ids=["an hour that is skipped", "one that comes twice", "twice", "half an hour"],
)
def test_a_clock_shows_every_time_of_a_day_once(day: str, clock: str, zone: str, expected: str) -> None:
    found = moment(date.fromisoformat(day), time.fromisoformat(clock), zone)
    assert found == datetime.fromisoformat(expected)


def test_a_day_begins_where_its_midnight_is_or_would_be() -> None:
    assert begun(date(2026, 9, 6), "America/Santiago") == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert today(datetime(2026, 11, 29, 23, 30, tzinfo=UTC), "Europe/Berlin") == date(2026, 11, 30)
    assert monday(date(2026, 11, 29)) == date(2026, 11, 23)


def test_a_zone_that_is_not_known_is_utc() -> None:
    assert zone_of("Mars/Olympus").key == "UTC"
