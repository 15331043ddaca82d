"""Each summary is due once, whatever clocks and zones do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.alert_channels.summaries.due import GRACE, Span, due, span
from cognitude_plugins.alert_channels.summaries.settings import Summaries

MINUTE = timedelta(minutes=1)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe")
clocks = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda one: f"{one[0]:02}:{one[1]:02}")
moments = st.datetimes(datetime(2000, 1, 2), datetime(2037, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))


def begins(settings: Summaries, zone: str, start: str, hours: int) -> list[tuple[str, str]]:
    """The minute at which each is due for the first time, and the days it is of."""
    first, seen, found = datetime.fromisoformat(start), set[Span](), []
    for minutes in range(60 * hours):
        now = first + minutes * MINUTE
        for one in due(settings, "acme", zone, now):
            if one not in seen:
                seen.add(one)
                found.append((f"{now:%dT%H:%M}", one.name))
    return found


@pytest.mark.parametrize(
    ("clock", "zone", "start", "expected"),
    [
        ("08:00", "Europe/Berlin", "2026-03-28T02:00Z", ["28T07:00", "29T06:00", "30T06:00"]),
        ("08:00", "Europe/Berlin", "2026-10-24T02:00Z", ["24T06:00", "25T07:00", "26T07:00"]),
        ("02:30", "Europe/Berlin", "2026-03-28T08:00Z", ["29T01:30", "30T00:30", "31T00:30"]),
        ("02:30", "Europe/Berlin", "2026-10-24T08:00Z", ["25T00:30", "26T01:30", "27T01:30"]),
        ("01:30", "America/New_York", "2026-10-31T12:00Z", ["01T05:30", "02T06:30", "03T06:30"]),
        ("08:00", "Asia/Kolkata", "2026-11-28T09:00Z", ["29T02:30", "30T02:30", "01T02:30"]),
    ],
    ids=["spring", "autumn", "a skipped hour", "an hour twice", "New York's twice", "half an hour"],
)
def test_daily_ones_come_by_the_zones_clock_once_a_day(clock: str, zone: str, start: str, expected: Any) -> None:
    found = begins(Summaries(daily=clock, weekly=None), zone, start, 72)
    assert [at for at, _ in found] == expected
    assert len({days for _, days in found}) == 3


def test_a_daily_one_is_of_yesterday_and_a_weekly_one_of_the_seven_days_before() -> None:
    found = begins(Summaries(), "Europe/Berlin", "2026-11-29T20:00Z", 24)
    assert found == [("30T07:00", "2026-11-29"), ("30T07:00", "2026-W48")]
    other = begins(Summaries(daily=None, weekly="thu 09:00"), "UTC", "2026-11-26T00:00Z", 24)
    assert other == [("26T09:00", "2026-11-19 to 2026-11-25")]


@given(clocks, st.sampled_from(ZONES), moments)
def test_every_day_has_one_that_is_due_for_some_hours(clock: str, zone: str, now: datetime) -> None:
    settings = Summaries(daily=clock, weekly=None)
    found = list(due(settings, "acme", zone, now))
    assert len(found) <= 2
    assert all(one.until <= now for one in found)
    span_of_days = [
        {one.last for one in due(settings, "acme", zone, now + hours * timedelta(hours=1))} for hours in range(49)
    ]
    assert len(set().union(*span_of_days)) >= 2


@given(st.sampled_from(("daily", "weekly")), st.sampled_from(ZONES), st.dates(date(2000, 1, 9), date(2037, 1, 1)))
def test_spans_follow_each_other_without_a_gap(kind: Any, zone: str, last: date) -> None:
    one = span(kind, "acme", zone, last)
    before = span(kind, "acme", zone, one.first - timedelta(days=1))
    assert (one.before, one.since) == (before.since, before.until)
    assert one.dedup_key("c") != before.dedup_key("c")


def test_what_is_late_is_made_good_for_some_hours_only() -> None:
    at = datetime(2026, 11, 28, 8, tzinfo=UTC)
    settings = Summaries(weekly=None)
    assert not list(due(settings, "acme", "UTC", at - MINUTE))
    assert [one.name for one in due(settings, "acme", "UTC", at + GRACE - MINUTE)] == ["2026-11-27"]
    assert not list(due(settings, "acme", "UTC", at + GRACE))


def test_another_zone_makes_no_other_summary_of_the_same_day() -> None:
    berlin, york = (span("daily", "acme", zone, date(2026, 11, 28)) for zone in ("Europe/Berlin", "America/New_York"))
    assert berlin.dedup_key("ops") == york.dedup_key("ops") == "summary:daily:acme:2026-11-28:ops"
