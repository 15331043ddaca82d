"""The way to a model that is an ASGI app in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from cognitude_plugins.gateway.providers.exchange import AsgiApp, Exchange, Headers, Scope
from cognitude_plugins.gateway.providers.provider import Target, patience
from cognitude_plugins.gateway.providers.verdict import CARRIED, judge
from hooks import Api, Call, Reply

ScopeFor: TypeAlias = Callable[[Call, bytes, Target, Mapping[str, str]], Scope]
"""Makes the ASGI scope of one call: called with what `AsgiProvider.send` was called with."""

PATHS: Final[dict[Api, str]] = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
    "responses": "/responses",
    "messages": "/messages",
}

_JUDGED: Final = {name.encode(): name for name in ("content-type", *CARRIED)}
_OF_THE_MESSAGE: Final = frozenset(
    {b"content-length", b"content-type", b"content-encoding", b"transfer-encoding", b"connection", b"date", b"server"}
)
_REPLACED: Final = frozenset(
    {b"content-length", b"content-encoding", b"transfer-encoding", b"accept-encoding", b"expect", b"te", b"trailer"}
)


class AsgiProvider:
    """Calls ``app`` without a socket: one task for the app, one chunk in flight, hang-ups told to it at once.

    ``scope_for`` makes the scope of each call; without it one is made from nothing: POST ``prefix`` and the API's path.
    ``own_credential`` says that the app gets the client's own credential, so its 401 is the client's business.
    ``keep_headers`` carries the app's response headers (of one that comes several times, the last) into the reply.
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        prefix: str = "/v1",
        scope_for: ScopeFor | None = None,
        own_credential: bool = False,
        keep_headers: bool = False,
    ) -> None:
        self._app = app
        self._scope_for = scope_for or _scope_from_nothing(prefix.rstrip("/"))
        self._own_credential = own_credential
        self._keep_headers = keep_headers
        self._open: set[Exchange] = set()

    async def start(self) -> None:
        """Nothing to open: the app's lifespan is its owner's."""

    async def stop(self) -> None:
        """Break off every call that is under way; returns when the app has let go of all, or will not."""
        tasks = {exchange.task for exchange in self._open}
        for exchange in tuple(self._open):
            exchange.hang_up("shutdown")
        for _ in range(2):
            if tasks:
                _, tasks = await asyncio.wait(tasks, timeout=Exchange.GRACE_SECONDS)
            for task in tasks:
                task.cancel()

    async def send(self, call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Reply:
        exchange = Exchange(body, target.timeouts, self._open)
        await exchange.first(self._app, self._scope_for(call, body, target, headers), patience(call, target.timeouts))
        if exchange.streamed:
            return Reply(status=exchange.status, headers=self._kept(exchange.headers), chunks=exchange)
        reply = judge(
            exchange.status,
            {_JUDGED[name]: value.decode("latin-1") for name, value in exchange.headers if name in _JUDGED},
            exchange.body,
            own_credential=self._own_credential,
        )
        if not self._keep_headers:
            return reply
        return replace(reply, headers={**self._kept(exchange.headers), **reply.headers})

    def _kept(self, headers: Headers) -> dict[str, str]:
        if not self._keep_headers:
            return {}
        return {
            name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name not in _OF_THE_MESSAGE
        }


def relayed_scope(scope: Scope, body: bytes, target: Target, headers: Mapping[str, str]) -> Scope:
    """The scope of a request that came in, for handing it on with another body.

    Path, query, client address and headers stay, the client's own ``Authorization`` too, unless the target has a key.
    ``accept-encoding`` goes, because a compressed answer could not be read, and so do the server's response extensions.
    """
    replaced = _headers(target, headers)
    names = _REPLACED.union(name for name, _ in replaced)
    kept = [pair for pair in scope["headers"] if pair[0] not in names]
    extensions = scope.get("extensions") or {}
    return {
        **scope,
        "headers": [*kept, *replaced, (b"content-length", b"%d" % len(body))],
        "extensions": {name: value for name, value in extensions.items() if not name.startswith("http.response.")},
    }


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


def _scope_from_nothing(prefix: str) -> ScopeFor:
    def scope_for(call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Scope:
        scope = relayed_scope(bare_scope(prefix + PATHS[call.api]), body, target, headers)
        scope["client"] = (call.caller.address, 0) if call.caller.address else None
        return scope

    return scope_for


def _headers(target: Target, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The target's headers win over the request's, its key over both."""
    named: dict[str, Any] = {name.lower(): value for name, value in headers.items()}
    if target.headers:
        named.update((name.lower(), value) for name, value in target.headers.items())
    if target.api_key:
        named["authorization"] = f"Bearer {target.api_key}"
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
