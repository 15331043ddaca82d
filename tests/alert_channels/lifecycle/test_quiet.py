"""Quiet hours in the nights in which clocks are changed, and the others."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from cognitude_plugins.alert_channels.channels.target import QuietHours
from cognitude_plugins.alert_channels.lifecycle.quiet import quiet_until

NIGHT = QuietHours(start=time(22), end=time(7))
NOON = QuietHours(start=time(12), end=time(13, 30))


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        (NIGHT, "2026-11-30T20:59", None),
        (NIGHT, "2026-11-30T21:00", "2026-12-01T06:00"),
        (NIGHT, "2026-12-01T05:59", "2026-12-01T06:00"),
        (NIGHT, "2026-12-01T06:00", None),
        (NIGHT, "2026-10-24T20:00", "2026-10-25T06:00"),
        (NIGHT, "2026-03-28T21:00", "2026-03-29T05:00"),
        (NOON, "2026-11-30T11:00", "2026-11-30T12:30"),
        (NOON, "2026-11-30T12:30", None),
        # An end that the clock shows twice, between its two times; and one that it leaps over.
        (QuietHours(start=time(22), end=time(2, 30)), "2026-10-25T00:10", "2026-10-25T00:30"),
        (QuietHours(start=time(22), end=time(2, 30)), "2026-10-25T01:10", "2026-10-25T01:30"),
        (QuietHours(start=time(22), end=time(2, 30)), "2026-03-29T00:30", "2026-03-29T01:30"),
        (QuietHours(start=time(8), end=time(8)), "2026-11-30T07:00", None),
        (None, "2026-11-30T07:00", None),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(hours: QuietHours | None, now: str, until: str | None) -> None:
    found = quiet_until(hours, "Europe/Berlin", datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == (None if until is None else datetime.fromisoformat(until).replace(tzinfo=UTC))


def test_a_zone_that_is_not_known_is_utc() -> None:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert quiet_until(NOON, "Nowhere/Land", now) == datetime(2026, 11, 30, 13, 30, tzinfo=UTC)
