"""``POST /alerts/summaries``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.summaries.api import routes
from hooks import Caller
from tests.alert_channels.summaries.test_desk import World
from tests.borrowed import Tables, documented, gated, sqlite_tables

CALLERS = {
    "root": Caller(organization="", key="admin", role="admin", admin=True),
    "admin": Caller(organization="acme", key="k-admin", role="admin"),
    "member": Caller(organization="acme", key="k-member"),
}


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, plugin)
    yield found
    found.close()


@pytest.fixture
async def place(tables: Tables) -> AsyncIterator[tuple[World, Any]]:
    world = await World.opened(tables.lent())
    transport = httpx.ASGITransport(app=gated(routes(world.desk), CALLERS))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:

        async def ask(who: str, body: Any, query: str = "") -> httpx.Response:
            return await http.post(f"/alerts/summaries{query}", json=body, headers={"who": who})

        yield world, ask


async def test_without_a_channel_it_is_shown_only(place: Any) -> None:
    world, ask = place
    found = (await ask("admin", {})).json()
    assert (found["organization"], found["channel"]) == ("acme", None)
    assert found["title"].startswith("Daily summary of acme, 2026-10-23: $4.00")
    assert [part["heading"] for part in found["parts"]] == ["Spending", "Top models", "Top keys"]
    week = (await ask("admin", {"kind": "weekly", "last": "2026-10-18"})).json()
    assert (week["data"]["first"], week["data"]["last"]) == ("2026-10-12", "2026-10-18")
    assert await world.sent() == []


async def test_with_a_channel_it_is_sent_there(place: Any) -> None:
    world, ask = place
    assert (await ask("admin", {"channel": "acme-mail"})).json()["channel"] == "acme-mail"
    assert [(one[0], one[2]) for one in await world.sent()] == [("acme-mail", "Daily summary of acme, 2026-10-23")]


async def test_channels_of_others_are_not_there_nor_the_gateways_to_send_to(place: Any) -> None:
    world, ask = place
    for name in ("globex-mail", "ghost", "ops"):
        answer = await ask("admin", {"channel": name})
        assert (answer.status_code, answer.json()["error"]["param"]) == (404, "channel")
    assert (await ask("root", {"channel": "ops"})).status_code == 200
    assert (await ask("root", {"channel": "ops"}, "?organization=acme")).status_code == 200
    assert [one[0] for one in await world.sent()] == ["ops", "ops"]


async def test_it_is_for_admins(place: Any) -> None:
    _, ask = place
    assert (await ask("member", {})).status_code == 403
    assert (await ask("root", {})).json()["organization"] == "*"
    assert (await ask("admin", {"kind": "yearly"})).status_code == 400
    assert (await ask("admin", {}, "?x=1")).status_code == 400


def test_the_document_has_the_route(place: Any) -> None:
    world, _ = place
    assert list(documented(routes(world.desk))["paths"]) == ["/alerts/summaries"]
