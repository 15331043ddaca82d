"""What an unusual time came from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cognitude_plugins.analytics.anomalies.drivers import Driver, drivers
from cognitude_plugins.analytics.anomalies.score import Metric
from hooks import Sums
from hooks.testing import FakeCall, FakeGateway, FakeLedger

from ..made import USD, calls

START = datetime(2026, 6, 10, 14, tzinfo=UTC)
SPAN = (START, START + timedelta(hours=2))


class Forgetful(FakeLedger):
    """Keeps keys for some days only."""

    def __init__(self, *made: FakeCall, days: int) -> None:
        super().__init__(*made)
        self.since = START - timedelta(days=days)

    async def usage(self, organization: str, **asked: Any) -> tuple[Sums, ...]:
        if asked["since"] < self.since and "key" in asked.get("group_by", ()):
            return ()
        return await super().usage(organization, **asked)


def made() -> list[FakeCall]:
    """Each day a dollar of either model; now ten more of ``large``, by one key, and some of them fail."""
    usual = [
        one
        for day in range(29)
        for model in ("small", "large")
        for one in calls(START - timedelta(days=day), 1, 4, model=model, key=f"key-{model}", seconds=1.0)
    ]
    return [*usual, *calls(START + timedelta(hours=1), 10, 20, model="large", key="new", status=500, seconds=3.0)]


async def found(metric: Metric, ledger: FakeLedger) -> list[Driver]:
    return await drivers(FakeGateway(ledger=ledger), "acme", SPAN, metric)


@pytest.mark.parametrize("metric", ["spend", "errors", "latency"])
async def test_the_groups_that_had_more_than_usual_are_named(metric: Metric) -> None:
    lines = await found(metric, FakeLedger(*made(), *calls(START, 99, organization="globex")))
    assert (lines[0].dimension, lines[0].value) == ("model", "large")
    model, key = lines[0], next(one for one in lines if one.dimension == "key")
    assert (model.calls, model.errors, model.cost) == (24, 20, 11 * USD)
    assert (model.usual_calls, model.usual_cost, model.share) == (4, USD, 1)
    assert (key.value, key.usual_calls, key.share) == ("new", 0, 1)
    if metric == "spend":
        assert model.excess == 10 * USD


async def test_keys_are_compared_with_the_days_before_where_those_of_weeks_are_not_kept() -> None:
    lines = await found("spend", Forgetful(*made(), days=6))
    assert [one.usual_calls for one in lines if one.dimension == "key"] == [0]


async def test_what_keys_did_that_are_not_kept_is_not_said() -> None:
    assert {one.dimension for one in await found("spend", Forgetful(*made(), days=-1))} == {"model", "provider"}


async def test_without_a_past_all_of_it_is_more() -> None:
    lines = await found("spend", FakeLedger(*calls(START, 3, model="large")))
    assert [(one.excess, one.share) for one in lines] == [(3 * USD, 1)] * 3
