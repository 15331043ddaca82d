"""``GET /analytics/recommendations``, behind the gateway's own gate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from cognitude_plugins.analytics.api import routes
from cognitude_plugins.analytics.desk import Desk
from cognitude_plugins.analytics.settings import Config
from hooks import Caller
from tests.analytics.street import NOW, Street, shop
from tests.borrowed import documented, gated, sqlite_calls

CALLERS: Mapping[str, Caller] = {
    "viewer": Caller(organization="acme", key="k", role="viewer"),
    "foreign": Caller(organization="globex", key="f", role="admin"),
}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    book = sqlite_calls(tmp_path)
    book.put(Street(3).clean(200).repeats(300).rows)
    found = Desk(Config(), now=lambda: NOW)
    async with found.opened(shop(ledger=book.ledger, database=book.database)):
        yield found
    book.close()


async def ask(desk: Desk, who: str, **query: Any) -> httpx.Response:
    transport = httpx.ASGITransport(gated(routes(desk), CALLERS))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.get("/analytics/recommendations", params=query, headers={"who": who})


async def test_it_says_what_to_change_and_what_that_is_worth(desk: Desk) -> None:
    found = (await ask(desk, "viewer")).json()
    assert (found["organization"], found["until"]) == ("acme", "2026-11-29T12:00:00Z")
    [one] = found["recommendations"]
    assert one["kind"] == "cache_opportunity"
    assert one["change"] == "pipeline:\n  - use: redis_cache\n"
    assert one["evidence"]["repeated_calls"] == 300
    assert 0 < one["low_nano_usd"] <= one["saving_nano_usd"] <= one["high_nano_usd"]
    assert found["total_potential_savings_nano_usd"] == one["counted_nano_usd"] == one["saving_nano_usd"]
    assert float(one["saving_usd"]) == pytest.approx(one["saving_nano_usd"] / 1e9)


async def test_each_organization_sees_its_own(desk: Desk) -> None:
    found = (await ask(desk, "foreign")).json()
    assert (found["calls"], found["recommendations"]) == (0, [])


async def test_how_far_to_look_back_can_be_said(desk: Desk) -> None:
    assert (await ask(desk, "viewer", days=1)).json()["calls"] < (await ask(desk, "viewer")).json()["calls"]
    refused = await ask(desk, "viewer", days=91)
    assert refused.status_code == 400
    assert "days: Input should be less than or equal to 90, not '91'." in refused.text


def test_it_is_documented() -> None:
    paths = documented(routes(Desk(Config())))["paths"]
    assert {"/analytics/recommendations", "/analytics/savings"} <= set(paths)
