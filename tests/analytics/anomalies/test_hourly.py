"""Hours one after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cognitude_plugins.analytics.anomalies.hourly import hourly
from hooks.testing import FakeCall, FakeGateway, FakeLedger

from ..made import BERLIN, calls

NOON = datetime(2026, 3, 29, 12, tzinfo=BERLIN)
"""Of a day that has 23 hours."""


async def read(*made: FakeCall, since: datetime = NOON - timedelta(days=1), zone: str = "Europe/Berlin"):  # type: ignore[no-untyped-def]
    gateway = FakeGateway(ledger=FakeLedger(*made), time_zones={"acme": zone})
    return await hourly(gateway, "acme", since, NOON + timedelta(minutes=40))


async def test_they_begin_with_the_first_call_and_have_no_gaps() -> None:
    start = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
    found = await read(*calls(start, 3, 2, seconds=2.0), *calls(start + timedelta(hours=4), 1, status=500))
    assert found.first == start.replace(minute=0)
    assert [one.calls for one in found.hours] == [2, 0, 0, 0, 1, *[0] * 7]
    assert (found.hours[0].cost, found.hours[0].seconds, found.hours[1].seconds) == (3 * 10**9, 2.0, None)
    assert found.hours[4].errors == 1
    assert found.at(12) == NOON


async def test_the_hour_that_is_not_over_is_not_there() -> None:
    found = await read(*calls(NOON - timedelta(hours=2), 1), *calls(NOON + timedelta(minutes=20), 1))
    assert len(found.hours) == 2


async def test_what_is_looked_at_begins_where_it_was_asked_for() -> None:
    since = NOON - timedelta(hours=5)
    found = await read(*calls(NOON - timedelta(days=20), 1), since=since)
    assert found.at(found.places(since).start) == since
    assert found.places(since).stop == len(found.hours)
    young = await read(*calls(NOON - timedelta(hours=2), 1), since=since)
    assert young.places(since) == range(2)
    assert (await read()).hours == ()


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Australia/Lord_Howe", "UTC"])
async def test_every_call_is_in_an_hour_in_any_zone(zone: str) -> None:
    made = [one for hour in range(1, 600, 7) for one in calls(NOON - timedelta(hours=hour), 1)]
    found = await read(*made, zone=zone)
    assert sum(one.calls for one in found.hours) >= len(made) - 1
