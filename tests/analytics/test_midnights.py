"""Days of zones in which clocks change."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from cognitude_plugins.analytics.midnights import begun, ended, zone_of


@pytest.mark.parametrize(
    ("zone", "day", "since", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00:00+00:00", 23),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-24T22:00:00+00:00", 25),
        ("Asia/Kolkata", date(2026, 6, 1), "2026-05-31T18:30:00+00:00", 24),
        ("Australia/Lord_Howe", date(2026, 10, 4), "2026-10-03T13:30:00+00:00", 23.5),
        # Midnight is skipped.
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-23T22:00:00+00:00", 23),
    ],
)
def test_a_day_is_from_midnight_to_midnight(zone: str, day: date, since: str, hours: float) -> None:
    where = zone_of(zone)
    assert begun(day, where).isoformat() == since
    assert ended(day, where) - begun(day, where) == timedelta(hours=hours)


def test_a_zone_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        zone_of("../passwd")
