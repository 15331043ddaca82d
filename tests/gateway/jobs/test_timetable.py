"""When jobs are due, and over changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.jobs.timetable import timetable
from hooks import Job

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = timedelta(days=7)


async def nothing() -> None: ...


def job(**when: Any) -> Job:
    return Job(name="report", run=nothing, **when)


def times(cron: str, since: datetime, count: int, zone: str = "Europe/Berlin") -> list[str]:
    table, found = timetable(job(cron=cron, zone=zone)), []
    moment: datetime | None = since
    for _ in range(count):
        assert moment is not None
        moment = table.after(moment)
        assert moment is not None
        found.append(moment.astimezone(ZoneInfo(zone)).strftime("%a %d %H:%M%z"))
    return found


def test_an_interval_is_counted_from_1970_in_every_process() -> None:
    table = timetable(job(every=timedelta(minutes=10)))
    assert table.after(datetime(2026, 11, 29, 12, 3, tzinfo=UTC)) == datetime(2026, 11, 29, 12, 10, tzinfo=UTC)
    assert table.after(datetime(2026, 11, 29, 12, 10, tzinfo=UTC)) == datetime(2026, 11, 29, 12, 20, tzinfo=UTC)
    assert table.last(datetime(2026, 11, 29, 12, 10, tzinfo=UTC), WEEK) == datetime(2026, 11, 29, 12, 10, tzinfo=UTC)
    assert table.last(datetime(2026, 11, 29, 12, 9, tzinfo=UTC), timedelta(minutes=8)) is None


def test_a_time_of_day_stays_one_when_the_clock_changes() -> None:
    assert times("0 8 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), 2) == ["Sun 25 08:00+0100", "Mon 26 08:00+0100"]
    assert times("0 8 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), 2) == ["Sun 29 08:00+0200", "Mon 30 08:00+0200"]


def test_a_time_that_the_clock_leaves_out_is_made_good_for() -> None:
    assert times("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), 2) == ["Sun 29 03:30+0200", "Mon 30 02:30+0200"]


def test_a_time_that_comes_twice_counts_once() -> None:
    assert times("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), 2) == ["Sun 25 02:30+0200", "Mon 26 02:30+0100"]


def test_each_half_hour_is_one() -> None:
    found = times("*/30 * * * *", datetime(2026, 10, 25, 0, 0, tzinfo=UTC), 4)
    assert found == ["Sun 25 02:30+0200", "Sun 25 02:00+0100", "Sun 25 02:30+0100", "Sun 25 03:00+0100"]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("1", "Mon"),
        ("0", "Sun"),
        ("7", "Sun"),
        ("1-5", "Mon Tue Wed Thu Fri"),
        ("5-7", "Fri Sat Sun"),
        ("*/2", "Tue Thu Sat Sun"),
        ("mon,3", "Mon Wed"),
        ("sat-sun", "Sat Sun"),
        ("*", "Mon Tue Wed Thu Fri Sat Sun"),
    ],
)
def test_days_of_the_week_are_those_of_crontab(days: str, expected: str) -> None:
    found = times(f"0 8 * * {days}", datetime(2026, 11, 29, 12, tzinfo=UTC), len(expected.split()), "UTC")
    assert [one.split()[0] for one in found] == expected.split()


@pytest.mark.parametrize(
    ("cron", "zone", "why"),
    [
        ("61 * * * *", "UTC", "61"),
        ("0 8 * *", "UTC", "4 fields"),
        ("0 8 * * 9", "UTC", "'9' is no day of the week"),
        ("0 8 * * *", "Mars/Base", "Mars/Base"),
        ("0 8 * * *", "../etc", "etc"),
        ("", "UTC", "0 fields"),
        ("0 0 1 * mon", "UTC", "make it two jobs"),
    ],
)
def test_what_is_no_time_table_is_refused_by_name(cron: str, zone: str, why: str) -> None:
    with pytest.raises(ValueError, match=rf"job 'report': .*{why}"):
        timetable(job(cron=cron, zone=zone))


@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    hours=st.integers(0, 400),
    cron=st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 8 * * 1", "15 */6 1 * *"]),
)
def test_the_last_time_is_the_one_before_the_next(moment: datetime, hours: int, cron: str) -> None:
    table = timetable(job(cron=cron, zone="America/New_York"))
    now, within = moment.replace(tzinfo=UTC), timedelta(hours=hours)
    last = table.last(now, within)
    if last is None:
        following = table.after(now - within - timedelta(microseconds=1))
        assert following is None or following > now
    else:
        assert now - within <= last <= now
        following = table.after(last)
        assert following is None or following > now


def test_times_between_two_are_counted() -> None:
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC)
    every = timetable(job(every=timedelta(minutes=10)))
    assert every.between(noon, noon + timedelta(minutes=30)) == 2
    assert every.between(noon - timedelta(seconds=1), noon + timedelta(minutes=30)) == 3
    assert every.between(noon, noon) == every.between(noon, noon - WEEK) == 0
    assert every.between(datetime(1970, 1, 1, tzinfo=UTC), noon) > 2_000_000, "without walking through them"
    cron = timetable(job(cron="*/10 * * * *"))
    assert cron.between(noon, noon + timedelta(minutes=30)) == 2
    assert cron.between(noon, noon + WEEK) == 1000, "at most"
