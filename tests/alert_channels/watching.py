"""The endpoints of rules and alerts behind the gateway's own gate, over a real database and made-up calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from cognitude_plugins.alert_channels.channels.target import Target
from cognitude_plugins.alert_channels.lifecycle.api import routes as alerts
from cognitude_plugins.alert_channels.rules.api import routes as rules
from cognitude_plugins.alert_channels.rules.settings import DeclaredRule
from cognitude_plugins.alert_channels.rules.watch import Watch
from hooks import Caller, Database, Metric, Tick
from hooks.testing import FakeGateway, FakeLedger
from tests.alert_channels.lifecycle.watched import START, Channels, target
from tests.alert_channels.rules.evaluated import ZONES
from tests.borrowed import gated

CALLERS: Mapping[str, Caller] = {
    "root": Caller(organization="", key="admin", role="admin", admin=True),
    "admin": Caller(organization="acme", key="k-admin", role="admin"),
    "member": Caller(organization="acme", key="k-member", user="ada"),
    "viewer": Caller(organization="acme", key="k-viewer", role="viewer"),
    "foreign": Caller(organization="globex", key="k-foreign", role="admin"),
}


@dataclass
class Asked:
    """As whom something is asked is the first word; the clock is ``now``."""

    http: httpx.AsyncClient
    watch: Watch
    gateway: FakeGateway
    clock: list[datetime]

    async def __call__(self, who: str, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        if body is not None:
            options["json"] = body
        return await self.http.request(method, path, headers={"who": who}, **options)

    async def got(self, who: str, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = await self(who, method, path, body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def refused(self, who: str, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
        answer = await self(who, method, path, body)
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]

    async def at(self, minutes: float) -> None:
        """It is this minute after `START`, and its evaluation is done."""
        self.clock[0] = START + timedelta(minutes=minutes)
        await self.watch.evaluate(Tick(due=self.clock[0]))


async def _no_sleep(seconds: float) -> None:
    return None


@asynccontextmanager
async def asked(
    database: Database,
    *declared: Mapping[str, Any],
    targets: Iterable[Target] = (target(organization="*"),),
    metrics: Mapping[str, Metric] | None = None,
) -> AsyncIterator[Asked]:
    clock = [START]
    watch = Watch([DeclaredRule.model_validate(one) for one in declared], now=lambda: clock[0], sleep=_no_sleep)
    gateway = FakeGateway(database=database, ledger=FakeLedger(), time_zones=ZONES, metrics=metrics or {})
    async with watch.opened(gateway, Channels(list(targets))):
        transport = httpx.ASGITransport(app=gated([*rules(watch), *alerts(watch)], CALLERS))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield Asked(http=http, watch=watch, gateway=gateway, clock=clock)
