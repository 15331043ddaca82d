"""The ASGI app: takes model calls itself, hands the rest to its surface, and swaps configurations under way."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from time import monotonic
from typing import Any, Final

from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from hooks import ConfigError, PluginError, Unavailable

from .endpoints import APIS, serve_api
from .providers import Provider
from .runtime import Runtime, build
from .supervisor import tell_siblings
from .surface import server_error, surface
from .system import System

log: Final = logging.getLogger("cognitude")


class App:
    """Built without I/O beyond reading its YAML; its lifespan opens and closes everything.

    ``inner`` makes the provider when the pipeline runs as middleware; it is told whether the client's key is sent on.
    ``draining`` is set by the server on SIGTERM: ``/readyz`` says 503 from then on and answers end their connections.
    """

    def __init__(
        self, path: Path, environ: Mapping[str, str], *, inner: Callable[[bool], Provider] | None = None
    ) -> None:
        self.path = path
        self.draining = False
        self.runtime: Runtime
        self._environ = environ
        self._began = monotonic()
        self._retiring: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self._calls = ServerErrorMiddleware(self._serve_call, handler=server_error)
        self._surface: ASGIApp
        self._inner = inner
        self._use(build(path, environ, inner=inner))

    def _use(self, runtime: Runtime) -> None:
        system = System(
            runtime=lambda: self.runtime,
            draining=lambda: self.draining,
            uptime=lambda: monotonic() - self._began,
            reload=self._reload_everywhere,
        )
        self._surface = surface(runtime, system)
        self.runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if self.draining:
            send = _with_header(send, b"connection", lambda: b"close")
        if scope["type"] == "http" and scope["path"] in APIS and scope["method"] == "POST":
            await self._calls(scope, receive, send)
        else:
            named = _with_header(send, b"x-request-id", lambda: self.runtime.new_id().encode())
            await self._surface(scope, receive, named)

    async def _serve_call(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve_api(self.runtime, APIS[scope["path"]], scope, receive, send)

    async def start(self) -> None:
        """Open what the configuration names; raises `PluginError`, `Unavailable` or ``OSError`` with nothing left
        open."""
        await self.runtime.start()
        self._use(self.runtime)

    async def stop(self) -> None:
        """Wait for what is under way and close. Whoever wants it sooner calls `abort` first."""
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await self.runtime.idle()
        await self.runtime.stop()

    def abort(self) -> None:
        """End all calls now; each is still accounted for before `stop` returns."""
        self.runtime.abort("shutdown")

    async def reload(self) -> None:
        """Build the configuration anew beside the one in force, start it, swap. Raises all that is wrong with it.

        Calls in flight finish on the old one, which is closed when the last of them is done.
        """
        async with self._reloading:
            fresh = await asyncio.to_thread(build, self.path, self._environ, inner=self._inner)
            await fresh.start(self.runtime)
            old = self.runtime
            self._use(fresh)
        retiring = asyncio.create_task(_retire(old))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)
        log.info("configuration reloaded from %s", self.path)

    async def _reload_everywhere(self) -> None:
        await self.reload()
        tell_siblings()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except (ConfigError, PluginError, Unavailable, OSError) as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def create_app(config: str | Path = "plugins.yaml", environ: Mapping[str, str] | None = None) -> App:
    """The gateway as an ASGI app. Raises `ConfigError` with everything that is wrong with the file."""
    return App(Path(config), os.environ if environ is None else environ)


async def _retire(runtime: Runtime) -> None:
    await runtime.idle()
    await runtime.stop()


def _with_header(send: Send, name: bytes, value: Callable[[], bytes]) -> Send:
    """``send`` with a header added to answers that do not have it."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and all(key != name for key, _ in message["headers"]):
            message = {**message, "headers": [*message["headers"], (name, value())]}
        await send(message)

    return sending
