"""``GET /analytics/savings``, behind the gateway's own gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cognitude_plugins.analytics.api import routes
from cognitude_plugins.analytics.desk import Desk
from cognitude_plugins.analytics.settings import Config
from hooks import Caller
from tests.analytics.street import NOW, shop
from tests.borrowed import gated, sqlite_calls

CALLERS = {"viewer": Caller(organization="acme", key="k", role="viewer")}
AT = int(NOW.timestamp() * 1000)
ROWS: list[dict[str, Any]] = [
    {"cost_nano_usd": 900, "prompt_tokens": 10, "completion_tokens": 1, "saved_nano_usd": 50, "time_ms": AT - 1},
    {"source": "redis_cache", "cost_nano_usd": 0, "saved_nano_usd": 7, "time_ms": AT - 86_400_000},
    {"source": "redis_cache", "cost_nano_usd": 0, "saved_nano_usd": 5, "route": "coalesced", "time_ms": AT - 2},
]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    book = sqlite_calls(tmp_path)
    book.put(ROWS)
    found = Desk(Config(baseline="large"), now=lambda: NOW)
    async with found.opened(shop(ledger=book.ledger, database=book.database, time_zones={"acme": "Europe/Berlin"})):
        yield found
    book.close()


async def ask(desk: Desk, **query: Any) -> httpx.Response:
    transport = httpx.ASGITransport(gated(routes(desk), CALLERS))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.get("/analytics/savings", params=query, headers={"who": "viewer"})


async def test_it_is_by_day_and_in_all(desk: Desk) -> None:
    found = (await ask(desk)).json()
    assert (found["time_zone"], found["start_date"], found["end_date"]) == ("Europe/Berlin", "2026-10-31", "2026-11-29")
    assert len(found["days"]) == 30
    total = found["total"]
    assert (total["cache_saved_nano_usd"], total["cache_calls"]) == (7, 1)
    assert (total["coalescing_saved_nano_usd"], total["coalesced_calls"]) == (5, 1)
    assert (total["routing_saved_nano_usd"], total["routed_calls"]) == (50, 1)
    assert total["saved_usd"] == "0.000000062"
    against = total["against_baseline"]
    assert against["saved_nano_usd"] == 10 * 15_000 + 75_000 - 900
    assert (against["counted_calls"], against["uncounted_calls"]) == (1, 2)
    assert [day["saved_nano_usd"] for day in found["days"][-2:]] == [7, 55]


async def test_another_baseline_can_be_named(desk: Desk) -> None:
    against = (await ask(desk, baseline="small")).json()["total"]["against_baseline"]
    assert against["saved_nano_usd"] == 10 * 800 + 4_000 - 900


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"baseline": "larch"}, "There is no model 'larch' to hold against. Did you mean 'large'?"),
        ({"start_date": "2026-11-30", "end_date": "2026-11-29"}, "start_date 2026-11-30 is after end_date 2026-11-29."),
        ({"start_date": "2024-01-01"}, "From 2024-01-01 to 2026-11-29 are more than 400 days."),
        ({"start_date": "yesterday"}, "start_date"),
        ({"start_date": "1764374400"}, "must be a date as in 2026-11-30"),
        ({"start_date": "9999-12-30", "end_date": "9999-12-31"}, "start_date: Input should be less than or equal to"),
        ({"end_date": "0001-01-01"}, "end_date: Input should be greater than or equal to"),
    ],
)
async def test_what_cannot_be_answered_is_refused(desk: Desk, query: dict[str, str], message: str) -> None:
    answer = await ask(desk, **query)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


async def test_a_baseline_without_a_price_is_refused(tmp_path: Path) -> None:
    found = Desk(Config(), now=lambda: NOW)
    async with found.opened(shop(prices={})):
        answer = await ask(found, baseline="large")
    assert answer.json()["error"]["message"] == "The price of the model 'large' is not known."
