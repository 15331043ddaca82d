"""``GET /analytics/forecast``, compared with a recomputation from the calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from cognitude_plugins.analytics.desk import Desk
from cognitude_plugins.analytics.forecast.api import routes
from cognitude_plugins.analytics.settings import Config
from hooks import Caller
from hooks.testing import FakeCall, FakeGateway, FakeLedger
from tests.borrowed import documented, gated

from ..made import BERLIN, calls

NOW = datetime(2026, 11, 18, 0, 30, tzinfo=BERLIN)
"""A Wednesday; in UTC it is Tuesday still."""
CALLER = Caller(organization="acme", key="k")


def used(days: int) -> list[FakeCall]:
    return [
        one
        for hour in range(days * 24)
        for one in calls(NOW.astimezone(UTC) - timedelta(hours=hour, minutes=1), 0.1 * (1 + hour % 3))
    ]


async def ask(ledger: FakeLedger, **query: Any) -> httpx.Response:
    desk = Desk(Config(), now=lambda: NOW)
    async with desk.opened(FakeGateway(ledger=ledger, time_zones={"acme": "Europe/Berlin"})):
        transport = httpx.ASGITransport(app=gated(routes(desk), {"member": CALLER}))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            return await http.get("/analytics/forecast", params=query, headers={"who": "member"})


@pytest.fixture(scope="module")
def ledger() -> FakeLedger:
    return FakeLedger(*used(40), FakeCall(at=NOW - timedelta(days=3), organization="globex", cost_nano_usd=10**15))


async def test_what_is_spent_is_the_sum_of_the_calls(ledger: FakeLedger) -> None:
    found = (await ask(ledger, days=30)).json()
    assert (found["organization"], found["time_zone"], found["reason"]) == ("acme", "Europe/Berlin", None)
    starts = {"day": "2026-11-18", "week": "2026-11-16", "month": "2026-11-01", "year": "2026-01-01"}
    for name, start in starts.items():
        total = found["forecast"][name]
        spent = sum(
            call.cost_nano_usd or 0
            for call in ledger.made
            if call.organization == "acme" and call.at.astimezone(BERLIN).date().isoformat() >= start
        )
        assert total["start_date"] == start
        assert Decimal(total["spent_usd"]) == Decimal(spent).scaleb(-9)
        low, expected, high = (Decimal(total[f"{one}_usd"]) for one in ("low", "expected", "high"))
        assert Decimal(total["spent_usd"]) <= low <= expected <= high


async def test_totals_and_days_agree(ledger: FakeLedger) -> None:
    forecast = (await ask(ledger, days=12)).json()["forecast"]
    assert [one["date"] for one in forecast["days"]][:2] == ["2026-11-18", "2026-11-19"]
    assert len(forecast["days"]) == 13
    last = forecast["days"][-1]
    assert last["date"] == forecast["month"]["end_date"]
    for name in ("expected_usd", "low_usd", "high_usd"):
        rest = Decimal(forecast["month"][name]) - Decimal(forecast["month"]["spent_usd"])
        assert Decimal(last["total"][name]) == rest
    assert sum(Decimal(one["expected_usd"]) for one in forecast["days"]) == pytest.approx(
        Decimal(last["total"]["expected_usd"]), abs=Decimal("1e-7")
    )
    assert 4 < float(forecast["days"][1]["expected_usd"]) < 5.5


async def test_past_coverage_is_of_intervals_that_follow_each_other(ledger: FakeLedger) -> None:
    found = (await ask(ledger)).json()
    days = found["history"]["days"]
    assert days == 39
    assert [(one["days"], one["intervals"]) for one in found["past_coverage"]] == [(1, 36), (7, 5), (30, 1)]


async def test_a_budget_has_its_dates(ledger: FakeLedger) -> None:
    found = (await ask(ledger, budget_usd="100")).json()["budget"]
    assert (found["state"], found["period"], found["end_date"]) == ("runs_out", "month", "2026-11-30")
    assert found["earliest"] <= found["runs_out"] <= found["latest"]
    assert (await ask(ledger, budget_usd="0.5", period="week")).json()["budget"]["state"] == "used_up"
    assert (await ask(ledger, budget_usd="5000")).json()["budget"]["state"] == "lasts"
    assert (await ask(ledger)).json()["budget"] is None


async def test_with_less_than_three_days_it_says_why_there_is_none() -> None:
    answer = await ask(FakeLedger(*used(2)), budget_usd="100")
    found = answer.json()
    assert answer.status_code == 200
    assert found["forecast"] is None
    assert "a forecast needs 3" in found["reason"]
    assert found["budget"]["state"] == "unknown"
    nothing = (await ask(FakeLedger())).json()
    assert (nothing["history"]["days"], nothing["history"]["start_date"]) == (0, None)


@pytest.mark.parametrize(
    "query",
    [
        {"level": 0.99},
        {"level": "nan"},
        {"days": 0},
        {"days": 91},
        {"budget_usd": "0"},
        {"budget_usd": "NaN"},
        {"budget_usd": "1e30"},
        {"period": "day"},
        {"horizon": 3},
    ],
)
async def test_what_cannot_be_asked_is_said(query: dict[str, Any]) -> None:
    answer = await ask(FakeLedger(), **query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == next(iter(query))


def test_the_document_describes_it() -> None:
    described = documented(routes(Desk(Config())))
    assert "/analytics/forecast" in described["paths"]
