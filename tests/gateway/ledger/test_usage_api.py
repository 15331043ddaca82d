"""``GET /analytics/usage`` for organizations, for gateway admins, and for who asks wrongly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Scope

from cognitude_plugins.gateway.ids import new_id
from cognitude_plugins.gateway.ledger.batch import Part, store
from cognitude_plugins.gateway.ledger.reader import Reader
from cognitude_plugins.gateway.ledger.records import parse
from cognitude_plugins.gateway.ledger.rollups import DAY_MS
from cognitude_plugins.gateway.ledger.usage_api import UsageApi
from cognitude_plugins.gateway.openapi import document
from cognitude_plugins.gateway.routes import guarded, operations
from cognitude_plugins.gateway.storage.database import Storage
from hooks import Caller, Reply
from tests.gateway.ledger.book import NOON, random_rows, row, summed

ROWS = [*random_rows(200, 1), row("today", user="ada", cost_nano_usd=123_000_001)]
VIEWER = Caller(organization="acme", key="k1", role="viewer")
ADMIN = Caller(organization="", key="k0", admin=True)


@pytest.fixture
def api(each_database: Storage) -> UsageApi:
    part = Part(segment="one", start=0, end=len(ROWS), rows=[parse(one.encode()) for one in ROWS])
    each_database.write_now(lambda connection: store(connection, [part], NOON))
    return UsageApi(reader=Reader(each_database), clock=lambda: NOON / 1000)


async def get(api: UsageApi, caller: Caller = VIEWER, **query: Any) -> httpx.Response:
    """Through the real gate, as if this caller's key had been accepted."""

    async def known(scope: Scope) -> Caller | Reply:
        return caller

    app = Starlette(routes=guarded(api.routes(), known, new_id))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as client:
        return await client.get("/analytics/usage", params=query)


def amounts(organization: str | None = "acme", **values: Any) -> dict[str, Any]:
    """Of the rows with these values, as the answer has them."""
    fitting = [one for one in ROWS if organization in (None, one.organization)]
    sums = summed([one for one in fitting if all(getattr(one, name) == value for name, value in values.items())])
    return {
        "calls": sums["calls"],
        "errors": sums["errors"],
        "limited": sums["limited"],
        "cache_hits": sums["hits"],
        "incomplete": sums["incomplete"],
        "prompt_tokens": sums["prompt_tokens"],
        "completion_tokens": sums["completion_tokens"],
        "cached_tokens": sums["cached_tokens"],
        "reasoning_tokens": sums["reasoning_tokens"],
        "total_tokens": sums["prompt_tokens"] + sums["completion_tokens"],
        "cost_nano_usd": sums["cost_nano_usd"],
        "saved_nano_usd": sums["saved_nano_usd"],
        "unpriced_calls": sums["unpriced"],
    }


def without_usd(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("cost_usd", "group")}


async def test_a_viewer_sees_the_last_thirty_days_of_its_organization_by_day(api: UsageApi) -> None:
    answer = await get(api)
    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    days = sorted({datetime.fromtimestamp(one.time_ms / 1000, UTC).date().isoformat() for one in ROWS})
    assert [one["group"] for one in body["data"]] == [{"day": day} for day in days]
    assert (body["object"], body["group_by"]) == ("usage", "day")
    assert (body["start_date"], body["end_date"]) == ("2025-12-17", "2026-01-15")
    assert without_usd(body["total"]) == amounts()


@pytest.mark.parametrize("by", ["model", "provider", "user", "key"])
async def test_each_dimension_comes_to_the_same_total(api: UsageApi, by: str) -> None:
    body = (await get(api, group_by=by)).json()
    assert without_usd(body["total"]) == amounts()
    for one in body["data"]:
        if by != "user":
            assert without_usd(one) == amounts(**{by: one["group"][by]})
        assert set(one["group"]) == {by}


async def test_both_dates_are_included(api: UsageApi) -> None:
    body = (await get(api, start_date="2026-01-15", end_date="2026-01-15")).json()
    midnight = NOON - DAY_MS // 2
    assert body["total"]["calls"] == sum(one.organization == "acme" and one.time_ms >= midnight for one in ROWS) > 0
    body = (await get(api, start_date="9999-12-31", end_date="9999-12-31")).json()
    assert (body["data"], body["total"]["calls"], body["total"]["cost_usd"]) == ([], 0, "0")


async def test_dollars_are_exact(api: UsageApi) -> None:
    data = (await get(api, group_by="user", start_date="2026-01-15", end_date="2026-01-15")).json()["data"]
    [ada] = [one for one in data if one["group"] == {"user": "ada"}]
    whole, _, rest = ada["cost_usd"].partition(".")
    assert int(whole) * 10**9 + int(rest.ljust(9, "0")) == ada["cost_nano_usd"]


async def test_an_organization_sees_its_own_only(api: UsageApi) -> None:
    body = (await get(api, Caller(organization="globex", key="k"))).json()
    assert without_usd(body["total"]) == amounts("globex")
    for nobody in ("nobody", ""):
        assert (await get(api, Caller(organization=nobody, key="k"))).json()["total"]["calls"] == 0


async def test_a_gateway_admin_sees_all_of_them_or_the_one_it_names(api: UsageApi) -> None:
    body = (await get(api, ADMIN, group_by="organization")).json()
    assert [one["group"]["organization"] for one in body["data"]] == ["acme", "globex"]
    assert without_usd(body["data"][1]) == amounts("globex")
    assert without_usd(body["total"]) == amounts(None)
    body = (await get(api, ADMIN, organization="globex", group_by="model")).json()
    assert without_usd(body["total"]) == amounts("globex")


@pytest.mark.parametrize(
    ("query", "param", "said"),
    [
        ({"start_date": "2026-13-01"}, "start_date", "start_date must be a date as in 2026-11-30, not '2026-13-01'."),
        ({"start_date": "20260101"}, "start_date", "not '20260101'"),
        ({"end_date": "yesterday"}, "end_date", "not 'yesterday'"),
        ({"end_date": "2026-01-01T00:00"}, "end_date", "not '2026-01-01T00:00'"),
        ({"end_date": ""}, "end_date", "not ''"),
        ({"start_date": "٢٠٢٦-٠١-٠١"}, "start_date", "must be a date"),
        (
            {"start_date": "2026-01-02", "end_date": "2026-01-01"},
            "start_date",
            "start_date 2026-01-02 is after end_date 2026-01-01.",
        ),
        ({"group_by": "hour"}, "group_by", "one of day, model, provider, user, key, not 'hour'."),
        ({"group_by": "organization"}, "group_by", "one of day, model, provider, user, key, not 'organization'."),
        ({"group_by": "x" * 5000}, "group_by", "not 'xxx"),
        ({"groupby": "day"}, "groupby", "There is no parameter 'groupby'"),
        ({"group_by": ["day", "model"]}, "group_by", "The parameter 'group_by' is given more than once."),
        ({"end_date": ["2026-01-01", "2026-01-01"]}, "end_date", "The parameter 'end_date' is given more than once."),
    ],
)
async def test_what_is_asked_wrongly_is_said_with_its_rule(
    api: UsageApi, query: dict[str, Any], param: str, said: str
) -> None:
    answer = await get(api, **query)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["param"], error["code"], error["type"]) == (param, "invalid_value", "invalid_request_error")
    assert said in error["message"]
    assert len(error["message"]) < 300


async def test_a_database_that_does_not_answer_is_a_503() -> None:
    away = Storage("postgresql://nobody@127.0.0.1:1/nothing", timeout=0.5)
    answer = await get(UsageApi(reader=Reader(away)))
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "database_unavailable"
    assert answer.headers["retry-after"] == "1"


def test_the_answer_is_what_the_document_says() -> None:
    api = UsageApi(reader=Reader(Storage("sqlite://")))
    described = document(operations(api.routes()), version="1")["paths"]["/analytics/usage"]["get"]
    assert {one["name"] for one in described["parameters"]} >= {"start_date", "end_date", "group_by"}
    assert {"200", "400", "503"} <= set(described["responses"])
