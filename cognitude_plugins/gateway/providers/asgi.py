"""The way to a model that is an ASGI app in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from cognitude_plugins.gateway.providers.asgi_exchange import AsgiApp, Exchange, Scope
from cognitude_plugins.gateway.providers.provider import Target, patience
from cognitude_plugins.gateway.providers.verdict import CARRIED, judge
from hooks import Api, Call, Reply

PATHS: Final[dict[Api, str]] = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
    "responses": "/responses",
    "messages": "/messages",
}

_JUDGED: Final = {name.encode(): name for name in ("content-type", *CARRIED)}


class AsgiProvider:
    """Calls ``app`` without a socket: one task for the app, one chunk in flight, hang-ups told to it at once."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._open: set[Exchange] = set()

    async def start(self) -> None:
        """Nothing to open: the app's lifespan is its owner's."""

    async def stop(self) -> None:
        await break_off(self._open)

    async def send(self, call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Reply:
        exchange = Exchange(body, target.timeouts, self._open)
        await exchange.first(self._app, _scope(call, body, target, headers), patience(call, target.timeouts))
        if exchange.streamed:
            return Reply(status=exchange.status, chunks=exchange)
        judged = {_JUDGED[name]: value.decode("latin-1") for name, value in exchange.headers if name in _JUDGED}
        return judge(exchange.status, judged, exchange.body)


async def break_off(exchanges: set[Exchange]) -> None:
    """End every exchange that is under way; returns when the app has let go of all, or will not."""
    tasks = {exchange.task for exchange in exchanges}
    for exchange in tuple(exchanges):
        exchange.hang_up("shutdown")
    for _ in range(2):
        if tasks:
            _, tasks = await asyncio.wait(tasks, timeout=Exchange.GRACE_SECONDS)
        for task in tasks:
            task.cancel()


def bare_scope(path: str) -> Scope:
    """The scope of a request that nobody sent."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "client": None,
        "server": None,
        "state": {},
        "extensions": {},
    }


def _scope(call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Scope:
    """The target's headers win over the request's, its key over both."""
    scope = bare_scope("/v1" + PATHS[call.api])
    named: dict[bytes, bytes] = dict(scope["headers"])
    for given in (headers, target.headers):
        named.update((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given.items())
    if target.api_key:
        named[b"authorization"] = b"Bearer " + target.api_key.encode("latin-1")
    named[b"content-length"] = b"%d" % len(body)
    scope["headers"] = list(named.items())
    scope["client"] = (call.caller.address, 0) if call.caller.address else None
    return scope
