"""Periods of the calendar so far, in days of 23, 24 and 25 hours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cognitude_plugins.alert_channels.rules.periods import so_far


@pytest.mark.parametrize(
    ("period", "due", "since", "name"),
    [
        ("day", "2026-11-30T12:00", "2026-11-29T23:00", "2026-11-30"),
        ("day", "2026-11-30T23:00", "2026-11-29T23:00", "2026-11-30"),
        ("day", "2026-11-30T23:01", "2026-11-30T23:00", "2026-12-01"),
        ("day", "2026-10-25T23:00", "2026-10-24T22:00", "2026-10-25"),
        ("week", "2026-11-30T12:00", "2026-11-29T23:00", "2026-W49"),
        ("week", "2026-11-29T23:00", "2026-11-22T23:00", "2026-W48"),
        ("month", "2026-10-31T23:00", "2026-09-30T22:00", "2026-10"),
        ("month", "2026-11-01T00:00", "2026-10-31T23:00", "2026-11"),
    ],
)
def test_at_its_very_end_it_is_all_of_the_period(period: Any, due: str, since: str, name: str) -> None:
    when = datetime.fromisoformat(due).replace(tzinfo=UTC)
    found = so_far(period, "Europe/Berlin", when)
    assert (found.since, found.until) == (datetime.fromisoformat(since).replace(tzinfo=UTC), when)
    assert found.name == name
