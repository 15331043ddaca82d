"""What analytics offers to rules and summaries: the figures its own endpoints have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from cognitude_plugins.analytics.api import routes
from cognitude_plugins.analytics.desk import Desk
from cognitude_plugins.analytics.offered import metrics, sections
from cognitude_plugins.analytics.settings import Config
from hooks import QUANTILES, Caller, Sums
from hooks.testing import FakeCall, FakeGateway, FakeLedger
from tests.analytics.street import NOW as STREET_NOW
from tests.analytics.street import Street, shop
from tests.borrowed import gated, sqlite_calls

from .made import BERLIN, calls

NOW = datetime(2026, 11, 18, 15, 20, tzinfo=BERLIN)
ZONES = {"acme": "Europe/Berlin", "globex": "UTC"}


def used(days: int = 40) -> list[FakeCall]:
    """A dollar each hour, and six in the last two whole hours."""
    hours = [one for hour in range(days * 24) for one in calls(NOW - timedelta(hours=hour), 1, 2, seconds=1.0)]
    return [*hours, *[one for back in (1, 2) for one in calls(NOW - timedelta(hours=back), 5, 10, seconds=1.0)]]


@asynccontextmanager
async def opened(ledger: FakeLedger, **config: Any) -> AsyncIterator[Desk]:
    desk = Desk(Config(**config), now=lambda: NOW)
    async with desk.opened(FakeGateway(ledger=ledger, time_zones=ZONES)):
        yield desk


async def figure(desk: Desk, name: str, organization: str = "acme", at: datetime = NOW) -> float | None:
    found = {one.name: one for one in metrics(desk)}[name]
    assert found.read is not None
    return await found.read(organization, at)


async def shown(desk: Desk, path: str) -> Any:
    app = gated(routes(desk), {"member": Caller(organization="acme", key="k")})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
        return (await http.get(path, headers={"who": "member"})).json()


async def test_a_forecast_is_that_of_the_endpoint() -> None:
    async with opened(FakeLedger(*used())) as desk:
        expected = (await shown(desk, "/analytics/forecast"))["forecast"]
        for period in ("day", "week", "month"):
            found = await figure(desk, f"forecast_cost_{period}")
            assert found == pytest.approx(float(expected[period]["expected_usd"]))


async def test_without_a_history_there_is_no_forecast_and_no_score() -> None:
    async with opened(FakeLedger(*used())) as desk:
        for name in ("forecast_cost_month", "anomaly_score", "anomaly_score_latency"):
            assert await figure(desk, name, "globex") is None
        [forecast, _] = sections(desk)
        assert await forecast.read("globex", NOW - timedelta(days=1), NOW) == ()


async def test_an_anomaly_is_above_four_of_spend_alone() -> None:
    async with opened(FakeLedger(*used())) as desk:
        spend = await figure(desk, "anomaly_score_spend")
        assert spend is not None
        assert spend > 4
        assert await figure(desk, "anomaly_score") == spend
        errors = await figure(desk, "anomaly_score_errors")
        assert errors is not None
        assert errors < 4
        quiet = await figure(desk, "anomaly_score_spend", at=NOW - timedelta(days=2))
        assert quiet is not None
        assert quiet < 4


def test_own_metrics_are_offered_by_name_and_ask_for_latencies_only_where_they_read_them() -> None:
    own = [
        {"name": "usd_per_call", "expression": "cost_usd / calls", "description": "What a call costs."},
        {"name": "tail", "expression": "p99 / p50"},
    ]
    found = {one.name: one for one in metrics(Desk(Config.model_validate({"metrics": own})))}
    price, tail = found["usd_per_call"], found["tail"]
    assert price.of is not None
    assert tail.of is not None
    assert (price.description, price.latencies, tail.latencies) == ("What a call costs.", False, True)
    assert price.of(Sums(group={}, calls=4, cost_nano_usd=2 * 10**9)) == 0.5
    assert price.of(Sums(group={})) is None
    assert QUANTILES == (0.5, 0.95, 0.99)
    assert tail.of(Sums(group={}, calls=4, seconds=(1.0, 2.0, 8.0))) == 8.0
    assert tail.of(Sums(group={}, calls=4)) is None


async def test_a_summary_has_the_forecast_of_this_week_and_month() -> None:
    async with opened(FakeLedger(*used())) as desk:
        [forecast, _] = sections(desk)
        [part] = await forecast.read("acme", NOW - timedelta(days=1), NOW)
        month = (await shown(desk, "/analytics/forecast"))["forecast"]["month"]
    rows = {row[0]: row for row in part.rows}
    assert (part.heading, set(rows)) == ("Forecast", {"This week", "This month", "This year"})
    assert rows["This month"][1] == f"${Decimal(month['spent_usd']):,.2f}"
    assert rows["This month"][2] == f"${Decimal(month['expected_usd']):,.2f}"
    assert all(len(row) == len(part.columns) for row in part.rows)


async def test_a_summary_has_what_is_recommended(tmp_path: Path) -> None:
    book = sqlite_calls(tmp_path)
    book.put(Street(3).clean(200).repeats(300).rows)
    desk = Desk(Config(), now=lambda: STREET_NOW)
    async with desk.opened(shop(ledger=book.ledger, database=book.database)):
        [_, recommendations] = sections(desk)
        until = STREET_NOW.astimezone(UTC)
        [part] = await recommendations.read("acme", until - timedelta(days=1), until)
        assert await recommendations.read("globex", until - timedelta(days=1), until) == ()
    book.close()
    assert part.heading == "Recommendations"
    [row] = part.rows
    assert row[0] == "Cache repeated calls"
    assert row[2].startswith("$")
