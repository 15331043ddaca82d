"""``GET /analytics/anomalies``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from cognitude_plugins.analytics.anomalies.api import routes
from cognitude_plugins.analytics.desk import Desk
from cognitude_plugins.analytics.settings import Config
from hooks import Caller
from hooks.testing import FakeCall, FakeGateway, FakeLedger
from tests.borrowed import gated

from ..made import BERLIN, Forgetful, calls

NOW = datetime(2026, 11, 18, 15, 20, tzinfo=BERLIN)
BURST = datetime(2026, 11, 17, 10, tzinfo=BERLIN)


def used(days: int = 36) -> list[FakeCall]:
    """A dollar in two calls each hour, and for two hours, and for one another, five more in ten."""
    hours = [one for hour in range(days * 24) for one in calls(NOW - timedelta(hours=hour), 1, 2, seconds=1.0)]
    more = [BURST, BURST + timedelta(hours=1), BURST - timedelta(days=2)]
    return [*hours, *[one for at in more for one in calls(at, 5, 10, key="rogue", seconds=1.0)]]


async def ask(ledger: FakeLedger, **query: Any) -> httpx.Response:
    desk = Desk(Config(), now=lambda: NOW)
    async with desk.opened(FakeGateway(ledger=ledger, time_zones={"acme": "Europe/Berlin"})):
        app = gated(routes(desk), {"member": Caller(organization="acme", key="k")})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
            return await http.get("/analytics/anomalies", params=query, headers={"who": "member"})


async def test_a_burst_of_two_hours_is_found_with_what_drove_it() -> None:
    found = (await ask(FakeLedger(*used()))).json()
    assert (found["start_date"], found["end_date"], found["hours"]) == ("2026-11-12", "2026-11-18", 6 * 24 + 15)
    [one] = found["anomalies"]
    assert (one["metric"], one["cause"], one["hours"]) == ("spend", "calls", 2)
    assert (one["start"], one["end"]) == ("2026-11-17T10:00:00+01:00", "2026-11-17T12:00:00+01:00")
    assert (one["value"], one["usual"], one["calls"], one["cost_usd"]) == ("6", "1", 24, "12")
    key = next(driver for driver in one["drivers"] if driver["dimension"] == "key")
    assert (key["value"], key["calls"], key["cost_usd"], key["usual_calls"], key["share"]) == ("rogue", 20, "10", 0, 1)


async def test_only_the_days_that_are_asked_for_are_looked_at() -> None:
    ledger = FakeLedger(*used())
    assert (await ask(ledger, end_date="2026-11-16")).json()["anomalies"] == []
    day = (await ask(ledger, start_date="2026-11-17", end_date="2026-11-17")).json()
    assert (day["hours"], len(day["anomalies"])) == (24, 1)
    assert (await ask(ledger, end_date="2500-01-01", start_date="2026-11-18")).status_code == 400
    assert (await ask(ledger, start_date="1970-01-02", end_date="1970-01-03")).json()["hours"] == 0


async def test_what_history_is_kept_is_used() -> None:
    kept = NOW - timedelta(days=20)
    found = (await ask(Forgetful(*used(), since=kept))).json()
    assert [one["metric"] for one in found["anomalies"]] == ["spend"]
    refusal = (await ask(Forgetful(*used(), since=kept), start_date="2026-10-28")).json()["error"]
    assert refusal["param"] == "start_date"
    assert refusal["message"].startswith("start_date 2026-10-28 is before 2026-10-30: it takes sums of hours")


async def test_of_a_young_organization_nothing_is_said() -> None:
    found = (await ask(FakeLedger(*used(2)[:100]))).json()
    assert (found["hours"], found["anomalies"]) == (0, [])
    assert (await ask(FakeLedger())).json()["hours"] == 0


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ({"start_date": "2026-11-17", "end_date": "2026-11-16"}, "is after end_date"),
        ({"start_date": "2026-11-19"}, "Nothing has been after today, 2026-11-18"),
        ({"start_date": "2500-01-01", "end_date": "2500-01-01"}, "still to come"),
        ({"end_date": "2500-01-01"}, "still to come"),
        ({"start_date": "1764374400"}, "must be a date"),
        ({"start_date": "2026-10-01"}, "more than 31 days"),
        ({"start_date": "0001-01-01", "end_date": "0001-01-02"}, "greater than or equal"),
        ({"end_date": "9999-12-31"}, "less than"),
        ({"end_date": "soon"}, "must be a date as in 2026-11-30"),
        ({"days": "3"}, "no 'days'"),
    ],
)
async def test_what_cannot_be_asked_is_said(query: dict[str, str], rule: str) -> None:
    answer = await ask(FakeLedger(), **query)
    assert answer.status_code == 400
    assert rule in answer.json()["error"]["message"]
