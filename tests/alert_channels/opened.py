"""The plugin's desk, opened over a real database and the gateway's own way out, and its endpoints behind its gate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from cognitude_plugins.alert_channels.channels.api import routes as channel_routes
from cognitude_plugins.alert_channels.delivery import outbox
from cognitude_plugins.alert_channels.delivery.api import routes as delivery_routes
from cognitude_plugins.alert_channels.desk import Desk
from cognitude_plugins.alert_channels.settings import Config
from hooks import Caller, Database, Outbound
from hooks.testing import FakeGateway
from tests.alert_channels.receivers import LOOPBACK, message
from tests.borrowed import gated, reaching

CALLERS: Mapping[str, Caller] = {
    "root": Caller(organization="", key="admin", role="admin", admin=True),
    "admin": Caller(organization="acme", key="k-admin", role="admin"),
    "member": Caller(organization="acme", key="k-member"),
    "viewer": Caller(organization="acme", key="k-viewer", role="viewer"),
    "foreign": Caller(organization="globex", key="k-foreign", role="admin"),
}


class Office:
    """As whom something is asked is the first word."""

    def __init__(self, desk: Desk, http: httpx.AsyncClient, database: Database) -> None:
        self.desk = desk
        self.database = database
        self._http = http

    async def __call__(self, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
        options = {} if body is None else {"json": body}
        return await self._http.request(method, f"/alerts/{path}", headers={"who": who}, **options)

    async def made(self, who: str, name: str, type: str, settings: Any, **more: Any) -> Any:
        body = {"name": name, "type": type, "settings": settings, **more}
        answer = await self(who, "POST", "channels", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def put(self, channel: str, key: str = "k", **more: Any) -> bool:
        """A message into the outbox, due now."""
        now_ms = self.desk.now_ms()
        return await self.written(
            lambda connection: outbox.enqueue(
                connection, channel=channel, dedup_key=key, message=message(**more), now_ms=now_ms
            )
        )

    async def written(self, work: Callable[[Any], Any]) -> Any:
        return await self.database.write("*", work)

    async def sent(self, seconds: float = 10.0) -> int:
        """One round, to its end."""
        begun = await self.desk.courier.round()
        await self.desk.courier.idle(seconds)
        return begun

    async def deliveries(self, channel: str, who: str = "admin") -> Any:
        answer = await self(who, "GET", f"channels/{channel}/deliveries")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@asynccontextmanager
async def opened(
    database: Database, config: Any = None, *, outbound: Outbound | None = None, **lent: Any
) -> AsyncIterator[Office]:
    desk = Desk(Config.model_validate(config or {}))
    async with reaching(LOOPBACK) as way:
        gateway: Any = FakeGateway(database=database, outbound=outbound or way, **lent)
        routes = [*channel_routes(desk), *delivery_routes(desk)]
        transport = httpx.ASGITransport(app=gated(routes, CALLERS))
        async with desk.opened(gateway), httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield Office(desk, http, database)
