"""The same pipeline as pure ASGI middleware, in front of any app that speaks the OpenAI API."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from hooks import Call, Caller, Reply

from .app import App
from .auth import credentials
from .endpoints import APIS, admitted, client_address, serve_as, too_much
from .plain import send_plain
from .providers import Target
from .providers.asgi import PATHS, AsgiProvider, bare_scope, relayed_scope
from .runtime import Runtime

SCOPE: Final = "gateway.scope"
"""The key in ``call.state`` under which the middleware keeps the request's ASGI scope."""


class CognitudeMiddleware:
    """Model calls go through the pipeline with ``app`` as the provider; everything else passes untouched.

    With ``gateway.middleware.auth: inner`` the app checks the client's key, whose header is handed on; each key is then
    an organization of its own, so that no plugin can share anything between two keys. With ``auth: gateway`` Cognitude
    checks the key, and the app is sent ``inner_key`` in its place.
    """

    def __init__(
        self, app: ASGIApp, config: str | Path = "plugins.yaml", environ: Mapping[str, str] | None = None
    ) -> None:
        self.app = app
        self._started = False
        environ = os.environ if environ is None else environ
        self.gateway = App(Path(config), environ, inner=self._provider)

    def _provider(self, own_credential: bool) -> AsgiProvider:
        return AsgiProvider(self.app, scope_for=_inner_scope, own_credential=own_credential, keep_headers=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in APIS and scope["method"] == "POST":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._started:
            self._started = True
            await self.gateway.start()
        runtime = self.gateway.runtime
        checked = runtime.config.gateway.middleware.auth == "gateway"
        caller = admitted(runtime, scope) if checked else _by_credential(runtime, scope)
        request_id = runtime.new_id()
        if isinstance(caller, Reply):
            await send_plain(send, caller, request_id)
            return
        await serve_as(runtime, APIS[scope["path"]], caller, scope, receive, send, request_id, state={SCOPE: scope})

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ours is open before the app's begins and closes when the app's has ended."""

        async def started() -> Any:
            message = await receive()
            if message["type"] == "lifespan.startup" and not self._started:
                self._started = True
                await self.gateway.start()
            return message

        async def sent(message: Any) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed") and self._started:
                self._started = False
                await self.gateway.stop()
            await send(message)

        await self.app(scope, started, sent)


def _by_credential(runtime: Runtime, scope: Scope) -> Caller | Reply:
    """A caller for a key that the app behind will judge: its digest stands for the organization."""
    refusal = too_much(runtime, scope)
    if refusal is not None:
        return refusal
    secrets = sorted(credentials(scope["headers"]))
    digest = hashlib.sha256(b"\0".join(secrets)).hexdigest()[:32] if secrets else "anonymous"
    return Caller(organization=f"key-{digest}", key=digest, address=client_address(scope))


def _inner_scope(call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Scope:
    """The request's own scope; of a call that a plugin makes, one with nothing but the path."""
    return relayed_scope(call.state.get(SCOPE) or bare_scope("/v1" + PATHS[call.api]), body, target, headers)
