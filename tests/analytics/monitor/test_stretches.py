"""Ranges that end now, in every kind of time zone and over changes of its clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognitude_plugins.analytics.monitor.stretches import Range, stretch
from hooks.testing import FakeCall, FakeLedger

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago")
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


@settings(max_examples=60, deadline=None)
@given(moments, st.sampled_from(get_args(Range)), st.sampled_from(ZONES))
def test_the_steps_are_all_there_in_their_order_and_the_last_is_under_way(
    now: datetime, wanted: Range, zone: str
) -> None:
    found = stretch(wanted, now, zone)
    starts = list(found.steps.values())
    assert starts[0] == found.since <= found.now <= now < found.until
    assert all(before < after for before, after in pairwise(starts))
    assert starts[-1] <= found.now
    assert now - found.now < timedelta(minutes=1)
    assert found.before_until <= found.since + timedelta(hours=1)


@settings(max_examples=40, deadline=None)
@given(moments, st.sampled_from(["24h", "today", "7d", "30d"]), st.sampled_from(ZONES), st.data())
async def test_steps_are_named_as_the_ledger_names_them(
    now: datetime, wanted: Range, zone: str, data: st.DataObject
) -> None:
    found = stretch(wanted, now, zone)
    seconds = int((found.now - found.since).total_seconds())
    ledger = FakeLedger(FakeCall(at=found.since + timedelta(seconds=data.draw(st.integers(0, seconds)))))
    [sums] = await ledger.usage("acme", since=found.since, until=found.until, group_by=(found.step,), zone=zone)
    assert sums.group[found.step] in found.steps


@pytest.mark.parametrize(("wanted", "count"), [("1h", 12), ("24h", 24), ("7d", 168), ("30d", 30), ("90d", 90)])
def test_ranges_have_as_many_steps_as_their_name_says(wanted: Range, count: int) -> None:
    found = stretch(wanted, datetime(2026, 10, 26, 10, 7, tzinfo=UTC), "Europe/Berlin")
    assert len(found.steps) == count


def test_today_begins_at_midnight_and_days_may_be_short() -> None:
    found = stretch("today", datetime(2026, 3, 29, 10, 30, tzinfo=UTC), "Europe/Berlin")
    assert list(found.steps)[:3] == ["2026-03-29T00:00+01:00", "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"]
    assert found.until - found.since == timedelta(hours=23)
    assert found.before_since == datetime(2026, 3, 27, 23, tzinfo=UTC)
    assert found.before_until == datetime(2026, 3, 28, 11, 30, tzinfo=UTC)


def test_the_range_before_ends_at_the_same_time_of_day() -> None:
    found = stretch("30d", datetime(2026, 11, 3, 10, 7, tzinfo=UTC), "Europe/Berlin")
    berlin = ZoneInfo("Europe/Berlin")
    assert found.now.astimezone(berlin).time() == found.before_until.astimezone(berlin).time()
    assert found.before_until.astimezone(berlin).date().isoformat() == "2026-10-04"
