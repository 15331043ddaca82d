"""The simulated model on a socket, with real resets."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .app import ABORT, simulate_app
from .settings import Settings

_LINGER_ZERO = struct.pack("ii", 1, 0)


class _AbortableProtocol(HttpToolsProtocol):
    """Lends the app its connection's end: an app alone cannot close a connection without an HTTP answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = cast(Any, {ABORT: self._abort})

    def _abort(self, *, reset: bool) -> None:
        if reset and (plain := self.transport.get_extra_info("socket")) is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.transport.abort()


def run_simulated(host: str, port: int, settings: Settings, ready: Callable[[int], None] = lambda port: None) -> None:
    """Serve on a loop of its own until SIGINT or SIGTERM."""
    with suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_simulated(host, port, settings, ready))


async def serve_simulated(
    host: str, port: int, settings: Settings, ready: Callable[[int], None] = lambda port: None
) -> None:
    """Serve until cancelled, or in the main thread until SIGINT or SIGTERM.

    ``ready`` is told the port (drawn by the system when ``port`` is 0) as soon as a connection to it will be answered.
    Raises ``OSError`` when the port is taken.
    """
    listener = _listener(host, port)
    server = uvicorn.Server(
        uvicorn.Config(
            simulate_app(settings),
            http=_AbortableProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        ready(listener.getsockname()[1])
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
