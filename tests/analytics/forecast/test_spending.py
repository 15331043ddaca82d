"""What is read of the ledger for a forecast."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognitude_plugins.analytics.forecast.spending import spending
from hooks import Sums
from hooks.testing import FakeCall, FakeGateway, FakeLedger

from ..made import BERLIN, calls

NOW = datetime(2026, 3, 30, 12, 20, tzinfo=BERLIN)
"""The day after the clocks were put forward."""


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200 * 24 * 60), st.integers(0, 9)), max_size=30))
async def test_days_and_hours_are_those_of_the_zone(found: list[tuple[int, int]]) -> None:
    ledger = FakeLedger(
        *[FakeCall(at=NOW.astimezone(UTC) - timedelta(minutes=ago + 1), cost_nano_usd=cost) for ago, cost in found]
    )
    read = await spending(FakeGateway(ledger=ledger, time_zones={"acme": "Europe/Berlin"}), "acme", NOW)
    days: Counter[date] = Counter()
    hours: Counter[tuple[date, int]] = Counter()
    for call in ledger.made:
        local = call.at.astimezone(BERLIN)
        if local.date() >= date(2025, 10, 1):
            days[local.date()] += call.cost_nano_usd or 0
        if local.date() >= date(2026, 3, 2):
            hours[local.date(), local.hour] += call.cost_nano_usd or 0
    assert (read.since, read.today) == (date(2025, 10, 1), date(2026, 3, 30))
    assert +Counter(read.days) == +days
    assert +Counter(read.hours) == +hours


class Forgetful(FakeLedger):
    """Keeps days of UTC only, but for the last ones."""

    async def usage(self, organization: str, **asked: Any) -> tuple[Sums, ...]:
        if asked["zone"] != "UTC" and asked["since"] < NOW - timedelta(days=self.kept):
            raise ValueError("kept by day of UTC only")
        return await super().usage(organization, **asked)

    kept = 90


@pytest.mark.parametrize("kept", [90, 7, 0])
async def test_where_the_ledger_knows_days_of_utc_only_those_are_taken(kept: int) -> None:
    ledger = Forgetful(*[one for day in range(170) for one in calls(NOW - timedelta(days=day, hours=9), 1)])
    ledger.kept = kept
    read = await spending(FakeGateway(ledger=ledger, time_zones={"acme": "Europe/Berlin"}), "acme", NOW)
    assert read.days == {NOW.date() - timedelta(days=day): 10**9 for day in range(170)} or kept == 0
    assert sum(read.days.values()) == 170 * 10**9
    assert bool(read.hours) == (kept == 90)


async def test_it_is_of_one_organization_and_says_what_has_no_price() -> None:
    at = NOW - timedelta(hours=3)
    ledger = FakeLedger(*calls(at, 3), *calls(at, 5, organization="globex"), FakeCall(at=at, cost_nano_usd=None))
    read = await spending(FakeGateway(ledger=ledger), "acme", NOW)
    assert (sum(read.days.values()), read.unpriced) == (3 * 10**9, 1)
