"""The same pipeline as pure ASGI middleware, in front of any app that speaks the OpenAI API."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hooks import Api, Reply

from .app import App
from .endpoints import APIS, admitted, serve_as, too_much
from .identity import caller_of
from .ids import REQUEST_ID
from .nested_lifespan import nested
from .plain import send_plain
from .providers.inner import InnerApp
from .surface import server_error

MODEL_CALLS: Final[Mapping[str, Api]] = {**APIS, **{path.removeprefix("/v1"): api for path, api in APIS.items()}}
"""With and without ``/v1``: LiteLLM's proxy answers on both, and an app may be mounted at ``/v1``."""


class CognitudeMiddleware:
    """Model calls go through the pipeline with ``app`` as the provider; everything else passes untouched.

    ``paths`` are the model calls, POST each, with their API. With ``gateway.middleware.auth: inner`` the app checks the
    client's key, whose header is handed on; each key is then an organization of its own. With ``auth: gateway``
    Cognitude checks the key, and the app is sent ``inner_key`` in its place.

    The configuration is read when the server starts the app (or, of an app without lifespan, at the first call): what
    is wrong with it is the reason of a ``lifespan.startup.failed``.
    """

    def __init__(
        self,
        app: ASGIApp,
        config: str | Path = "plugins.yaml",
        environ: Mapping[str, str] | None = None,
        *,
        paths: Mapping[str, Api] = MODEL_CALLS,
    ) -> None:
        self.app = app
        self._config = Path(config)
        self._environ = os.environ if environ is None else environ
        self._paths = dict(paths)
        self._root: str = getattr(app, "root_path", "")
        self._gateway: App | None = None
        self._open = False
        self._opening = asyncio.Lock()
        self._scopes: dict[str, Scope] = {}
        self._calls = ServerErrorMiddleware(self._serve, handler=server_error)

    @property
    def gateway(self) -> App:
        """What runs the pipeline; ``await middleware.gateway.reload()`` reads the configuration again.

        Built when first asked for. Raises `ConfigError` with everything that is wrong with the file.
        """
        if self._gateway is None:
            self._gateway = App(self._config, self._environ, inner=self._inner)
        return self._gateway

    def _inner(self, keeps_key: bool) -> InnerApp:
        return InnerApp(self.app, self._scopes, keeps_key=keeps_key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["method"] == "POST" and self._path(scope) in self._paths:
                await self._calls(scope, receive, send)
                return
        elif scope["type"] == "lifespan":
            await nested(self.app, scope, receive, send, self._start, self._stop)
            return
        await self.app(scope, receive, send)

    def _path(self, scope: Scope) -> str:
        """The path as the app's own routes see it: below where it is mounted, or says itself that it is (FastAPI)."""
        path: str = scope["path"]
        root = self._root or scope.get("root_path")
        if root and path.startswith(root) and path[len(root) : len(root) + 1] == "/":
            return path[len(root) :]
        return path

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._open:
            await self._start()
        if self.gateway.draining:
            send = _last_of_its_connection(send)
        runtime = self.gateway.runtime
        request_id = scope[REQUEST_ID] = runtime.new_id()
        if runtime.config.gateway.middleware.auth == "gateway":
            caller = await admitted(runtime, scope)
        else:
            caller = too_much(runtime, scope) or caller_of(scope)
        if isinstance(caller, Reply):
            await send_plain(send, caller, request_id)
            return
        self._scopes[request_id] = scope
        try:
            await serve_as(runtime, self._paths[self._path(scope)], caller, scope, receive, send, request_id)
        finally:
            del self._scopes[request_id]

    async def _start(self) -> None:
        """Once, also when many first calls come together; after a failure the next one tries again."""
        async with self._opening:
            if not self._open:
                await (await asyncio.to_thread(lambda: self.gateway)).start()
                self._open = True

    async def _stop(self) -> None:
        if self._open:
            self._open = False
            await self.gateway.stop()


def _last_of_its_connection(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return sending
