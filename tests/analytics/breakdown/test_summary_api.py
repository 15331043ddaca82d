"""``GET /analytics/summary``."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from cognitude_plugins.analytics.api import routes
from cognitude_plugins.analytics.desk import Desk
from cognitude_plugins.analytics.settings import Config
from hooks.testing import FakeCall, FakeGateway, FakeLedger, make_call

NOW = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)
LEDGER = FakeLedger(
    FakeCall(at=NOW.replace(hour=1), model="a", cost_nano_usd=3),
    FakeCall(at=NOW.replace(day=17, hour=1), model="b", cost_nano_usd=2, source="redis_cache"),
    FakeCall(at=NOW.replace(day=17, hour=22), model="b", cost_nano_usd=700),
    FakeCall(at=NOW.replace(hour=2), organization="globex", cost_nano_usd=9),
)


async def test_it_is_of_the_organization_and_its_day() -> None:
    desk = Desk(Config(), now=lambda: NOW)
    app = Starlette(routes=routes(desk))

    async def as_acme(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"caller": make_call(organization="acme").caller}
        await app(scope, receive, send)

    async with (
        desk.opened(FakeGateway(ledger=LEDGER, time_zones={"acme": "Europe/Berlin"})),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=as_acme), base_url="http://gateway") as client,
    ):
        body = (await client.get("/analytics/summary", params={"range": "24h", "top": "1"})).json()
        refused = await client.get("/analytics/summary", params={"range": "2h"})
    today = body["spans"][0]
    assert (body["organization"], body["time_zone"], today["since"]) == (
        "acme",
        "Europe/Berlin",
        "2026-11-17T23:00:00+00:00",
    )
    assert (today["spent"]["cost_usd"], today["before"]["cost_usd"]) == ("0.000000003", "0.000000002")
    assert (today["change"], today["before"]["hit_rate"]) == (0.5, 1.0)
    assert [one["name"] for one in body["models"]] == ["b"]
    assert body["total"]["cost_usd"] == "0.000000703"
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "range")
