"""``GET /analytics/series`` behind the gateway's own gate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from cognitude_plugins.analytics.desk import Desk
from cognitude_plugins.analytics.monitor.series_api import route
from cognitude_plugins.analytics.monitor.series_bodies import SeriesBody
from cognitude_plugins.analytics.settings import Config
from hooks import Caller
from hooks.testing import FakeGateway, FakeLedger
from tests.borrowed import documented, gated

from ..drawn import NOW, ZONE, traffic
from ..made import Forgetful

CALLERS: Mapping[str, Caller] = {
    "root": Caller(organization="", key="admin", role="admin", admin=True),
    "viewer": Caller(organization="acme", key="k-viewer", role="viewer"),
    "foreign": Caller(organization="globex", key="k-foreign", role="admin"),
}


async def ask(who: str, ledger: FakeLedger | None = None, **query: str) -> httpx.Response:
    desk = Desk(Config(), now=lambda: NOW)
    transport = httpx.ASGITransport(app=gated([route(desk)], CALLERS))
    gateway: Any = FakeGateway(ledger=ledger or traffic(), time_zones={"acme": ZONE})
    async with desk.opened(gateway), httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        return await http.get("/analytics/series", params=query, headers={"who": who})


async def test_every_key_sees_its_own_organization() -> None:
    body = SeriesBody.model_validate((await ask("viewer", range="7d", by="model")).json())
    assert (body.organization, body.time_zone, len(body.points)) == ("acme", ZONE, 168)
    assert body.total.calls > 0
    assert (await ask("foreign")).json()["total"]["calls"] == 0


async def test_a_gateway_admin_says_for_whom() -> None:
    assert (await ask("root", organization="acme")).json() == (await ask("viewer")).json()
    assert (await ask("root")).status_code == 400


@pytest.mark.parametrize(
    ("query", "param"), [({"range": "2h"}, "range"), ({"by": "hour"}, "by"), ({"sort": "x"}, "sort"), ({"n": "1"}, "n")]
)
async def test_a_question_that_is_wrong_is_refused(query: dict[str, str], param: str) -> None:
    answer = await ask("viewer", **query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_days_are_those_of_utc_where_those_of_the_zone_are_not_kept() -> None:
    forgetful = Forgetful(*traffic().made, since=NOW - timedelta(days=1), name="minutes", of_utc=False)
    found = (await ask("viewer", forgetful, range="90d")).json()
    assert (found["time_zone"], len(found["points"])) == ("UTC", 90)
    assert sum(one["calls"] for one in found["points"]) == found["total"]["calls"] > 0
    refusal = (await ask("viewer", forgetful, range="7d")).json()["error"]
    assert refusal["param"] == "range"
    assert refusal["message"].startswith("range 7d takes minutes, which are kept since 2026-11-29")


async def test_single_calls_that_are_gone_are_named() -> None:
    gone = Forgetful(*traffic().made, since=NOW - timedelta(days=1), name="calls")
    refusal = (await ask("viewer", gone, range="30d", by="source")).json()["error"]
    assert refusal["param"] == "range"
    assert "range 30d by source takes single calls" in refusal["message"]


def test_it_is_documented() -> None:
    assert documented([route(Desk(Config()))])
