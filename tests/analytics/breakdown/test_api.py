"""``GET /analytics/breakdown``: days of the organization's zone, and what cannot be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from threading import get_ident
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from cognitude_plugins.analytics.api import routes
from cognitude_plugins.analytics.desk import Desk
from cognitude_plugins.analytics.metrics import Metric
from cognitude_plugins.analytics.settings import Config
from hooks.testing import FakeCall, FakeGateway, FakeLedger, make_call

from ..made import Forgetful

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 10, 27, 12, tzinfo=BERLIN)
LEDGER = FakeLedger(
    *(
        FakeCall(at=datetime(2026, 10, day, hour, 30, tzinfo=BERLIN), model=model, cost_nano_usd=cost, seconds=0.5)
        for day, hour, model, cost in ((24, 23, "a", 1), (25, 0, "a", 20), (25, 23, "b", 300), (26, 0, "=b", 4000))
    ),
    FakeCall(at=NOW - timedelta(days=20), organization="globex", cost_nano_usd=7),
)
CONFIG = Config.model_validate({"metrics": [{"name": "usd_each", "expression": "cost_usd / (calls - 1)"}]})


@asynccontextmanager
async def asking(ledger: FakeLedger = LEDGER) -> AsyncIterator[httpx.AsyncClient]:
    desk = Desk(CONFIG, now=lambda: NOW.astimezone(UTC))
    app = Starlette(routes=routes(desk))

    async def as_acme(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"caller": make_call(organization="acme").caller}
        await app(scope, receive, send)

    async with desk.opened(FakeGateway(ledger=ledger, time_zones={"acme": "Europe/Berlin"})):
        transport = httpx.ASGITransport(app=as_acme)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            yield client


async def ask(headers: dict[str, str] | None = None, **query: str) -> httpx.Response:
    async with asking() as client:
        return await client.get("/analytics/breakdown", params=query, headers=headers)


async def found(**query: str) -> Any:
    answer = await ask(**query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_days_are_the_organizations_and_one_of_them_has_25_hours() -> None:
    body = await found()
    assert (body["start_date"], body["end_date"], body["time_zone"]) == ("2026-09-28", "2026-10-27", "Europe/Berlin")
    days = {one["group"]["day"]: one["cost_nano_usd"] for one in body["data"]}
    assert days == {"2026-10-24": 1, "2026-10-25": 320, "2026-10-26": 4000}
    one_day = await found(start_date="2026-10-25", end_date="2026-10-25", group_by="hour")
    assert [one["group"]["hour"] for one in one_day["data"]] == ["2026-10-25T00:00+02:00", "2026-10-25T23:00+01:00"]
    assert one_day["total"]["cost_usd"] == "0.00000032"


async def test_another_zone_has_other_days() -> None:
    body = await found(zone="America/New_York")
    assert [one["group"]["day"] for one in body["data"]] == ["2026-10-24", "2026-10-25"]
    assert body["time_zone"] == "America/New_York"


async def test_figures_have_rates_latencies_and_metrics() -> None:
    body = await found(group_by="model", limit="1")
    [dearest] = body["data"]
    assert (dearest["group"], dearest["error_rate"], dearest["p95_seconds"]) == ({"model": "=b"}, 0.0, 0.5)
    assert dearest["metrics"] == {"usd_each": None}
    assert (body["other"]["groups"], body["other"]["cost_nano_usd"], body["other"]["p95_seconds"]) == (2, 321, None)
    assert body["total"]["metrics"]["usd_each"] == pytest.approx(4321e-9 / 3)
    assert body["order"] == "cost"


async def test_filters_are_those_of_the_ledger() -> None:
    assert (await found(group_by="day", model="a"))["total"]["calls"] == 2
    assert (await found(user=""))["total"]["calls"] == 4
    assert (await found(tag="team=x"))["total"]["calls"] == 0


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({"format": "csv"}, {}),
        ({}, {"accept": "text/csv"}),
        ({}, {"accept": "text/html, text/csv;q=0.9, application/json;q=0.1"}),
    ],
)
async def test_csv_is_given_to_who_asks_for_it(query: dict[str, str], headers: dict[str, str]) -> None:
    answer = await ask(headers, group_by="model", **query)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.splitlines()[1].startswith("group,'=b,1,0,0.0,")
    assert answer.text.splitlines()[0].endswith(",usd_each")


@pytest.mark.parametrize("accept", ["application/json, text/csv", "*/*", "text/html"])
async def test_json_is_given_to_everybody_else(accept: str) -> None:
    assert (await ask({"accept": accept})).headers["content-type"] == "application/json"
    assert (await ask({"accept": "text/csv"}, format="json")).headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("query", "param", "said"),
    [
        ({"group_by": "modle"}, "group_by", "the nearest is 'model'"),
        ({"group_by": "day,day"}, "group_by", "two different ones"),
        ({"group_by": "day,model,key"}, "group_by", "takes one of them"),
        ({"group_by": "tag:"}, "group_by", "none of day"),
        ({"zone": "Europe/Bielefeld"}, "zone", "There is no time zone 'Europe/Bielefeld'."),
        ({"start_date": "1790000000"}, "start_date", "must be a date as in 2026-11-30"),
        ({"start_date": "2026-02-30"}, "start_date", "not '2026-02-30'"),
        ({"end_date": "9999-12-31"}, "end_date", "less than or equal"),
        ({"start_date": "2026-10-28"}, "start_date", "2026-10-28 is after end_date 2026-10-27"),
        ({"tag": "team"}, "tag", "must be name=value"),
        ({"limit": "0"}, "limit", "greater than or equal to 1"),
        ({"order": "price"}, "order", "not 'price'"),
        ({"organisation": "x"}, "organisation", "there is no"),
    ],
)
async def test_what_cannot_be_asked_is_told(query: dict[str, str], param: str, said: str) -> None:
    answer = await ask(**query)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"] == param
    assert said in error["message"]


async def test_days_that_are_no_longer_kept_are_told_with_the_first_that_is() -> None:
    gone = Forgetful(since=NOW - timedelta(days=3), name="calls")
    async with asking(gone) as client:
        answer = await client.get("/analytics/breakdown", params={"group_by": "source", "start_date": "2026-10-01"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "start_date")
    assert "start_date 2026-10-01 is before 2026-10-25: it takes single calls" in answer.json()["error"]["message"]


async def test_the_first_days_there_are_can_be_asked_for() -> None:
    assert (await found(end_date="1970-01-05"))["start_date"] == "1970-01-02"


async def test_calls_do_not_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = set()
    value = Metric.value

    def noted(self: Metric, named: Mapping[str, float | None]) -> float | None:
        threads.add(get_ident())
        return value(self, named)

    monkeypatch.setattr(Metric, "value", noted)
    assert (await found())["total"]["calls"] == 4
    assert threads
    assert get_ident() not in threads
