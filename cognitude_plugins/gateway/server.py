"""One serving process: uvicorn with a drain that loses nothing, reload on SIGHUP, and a quiet garbage collector."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Final

import uvicorn

from hooks import ConfigError, PluginError, Unavailable

from .app import App
from .collector import settle
from .last_connections import let_in_the_last
from .protocol import bounded
from .supervisor import SUPERVISOR_VARIABLE

log: Final = logging.getLogger("cognitude")

_KEEP_ALIVE_SECONDS: Final = 75
_LAST_RESORT_SECONDS: Final = 10


class Server(uvicorn.Server):
    """SIGTERM: announce (``/readyz`` 503, connections close after their answer), then refuse, then finish, then exit 0.

    SIGINT skips the announcement; a second signal ends what is under way at once, accounted for all the same.
    """

    def __init__(self, app: App, *, asgi: Any = None, ready: Callable[[], None] = lambda: None) -> None:
        gateway = app.runtime.config.gateway
        self._app = app
        self._drain = gateway.drain
        self._ready = ready
        self._signals = 0
        self._asked_early = False
        # Until the loop can take it: by itself the signal would end a process that has just begun to serve.
        signal.signal(signal.SIGHUP, self._early)
        self._reloads: set[asyncio.Future[None]] = set()
        config = uvicorn.Config(
            asgi or app,
            http=bounded(gateway.limits.header_bytes, gateway.timeouts.request_body),
            ws="none" if asgi is None else "auto",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(gateway.drain.finish_seconds) + _LAST_RESORT_SECONDS,
        )
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
        if self._asked_early:
            self._reload()
        settle()
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by the signal itself. Not recorded for uvicorn to raise again: an orderly exit is exit code 0."""
        self._signals += 1
        if not self.started:
            self.should_exit = True
            return
        loop = asyncio.get_running_loop()
        if self._signals > 1:
            self.should_exit = True
            # Not from inside the signal: a call's task may be running at this very moment.
            loop.call_soon_threadsafe(self._app.abort)
            return
        self._app.draining = True
        delay = 0.0 if sig == signal.SIGINT else self._drain.announce_seconds
        log.info("draining: new calls are served for %g s more, calls in flight may finish in %g s", delay,
                 self._drain.finish_seconds)  # fmt: skip
        loop.call_soon_threadsafe(loop.call_later, delay, self._leave)

    def _early(self, sig: int, frame: FrameType | None) -> None:
        self._asked_early = True

    def _leave(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.draining = True
        deadline = asyncio.get_running_loop().call_later(self._drain.finish_seconds, self._app.abort)
        if SUPERVISOR_VARIABLE not in os.environ:
            await let_in_the_last(sockets or ())
        await super().shutdown(sockets)
        deadline.cancel()

    def _reload(self) -> None:
        task = asyncio.ensure_future(self._reloaded())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reloaded(self) -> None:
        try:
            await self._app.reload()
        except (ConfigError, PluginError, Unavailable, OSError) as error:
            log.error("reload refused, the configuration in force stays:\n%s", error)


def run(
    app: App, sockets: Sequence[socket.socket], *, asgi: Any = None, ready: Callable[[], None] = lambda: None
) -> int:
    """Serve until a signal ends it; the exit code. ``asgi`` is what is served when the app is wrapped in another."""
    server = Server(app, asgi=asgi, ready=ready)
    server.run(sockets=list(sockets))
    return 0 if server.started else 3


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises ``OSError`` that names the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    listener.set_inheritable(True)
    return listener
