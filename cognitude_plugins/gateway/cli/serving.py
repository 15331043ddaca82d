"""What ``serve`` and ``wrap`` have in common: where they listen, and in how many processes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

import click

from cognitude_plugins.gateway.collector import collect_rarely
from cognitude_plugins.gateway.config import Config
from cognitude_plugins.gateway.settings import Gateway

from .logs import set_up

STARTUP_FAILED: Final = 3
"""The exit code of a process that could not begin to serve."""

Work = Callable[[Sequence[socket.socket], Callable[[], None]], int]
"""Serves on the sockets until a signal, calls the function when it is ready, returns the exit code."""

_OPTIONS: Final = (
    click.option("--host", default=None, help="Address to listen on; by default gateway.listen.host."),
    click.option("--port", default=None, type=click.IntRange(0, 65535), help="Port; 0 for any that is free."),
    click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Serving processes."),
    click.option(
        "--log-level", default="info", type=click.Choice(["debug", "info", "warning", "error"]), show_default=True
    ),
)


def serving_options(function: Any) -> Any:
    """``--host``, ``--port``, ``--workers`` and ``--log-level``."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def listening(gateway: Gateway, host: str, port: int | None) -> tuple[socket.socket, str]:
    """A listening socket and its URL. Raises ``OSError`` that names the address."""
    from cognitude_plugins.gateway.server import bind

    listener = bind(host, gateway.listen.port if port is None else port)
    return listener, f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def begin(log_level: str) -> None:
    """What every serving process does first."""
    set_up(log_level)
    collect_rarely()


def in_processes(work: Work, config: Config, listener: socket.socket, workers: int, log_level: str, said: str) -> int:
    """Run it here, or in several processes that a supervisor looks after; the exit code. ``said`` is printed."""
    show = partial(click.echo, said)
    if workers == 1:
        return work([listener], show)
    from cognitude_plugins.gateway.redis_service import for_workers
    from cognitude_plugins.gateway.supervisor import Supervisor

    with ExitStack() as stack:
        try:
            stack.enter_context(for_workers(config))
        except OSError as error:
            click.echo(f"Error: {error}", err=True)
            return STARTUP_FAILED
        show()
        return Supervisor(partial(_worker, work=work, log_level=log_level), [listener], workers).run()


def _worker(sockets: Sequence[socket.socket], ready: Callable[[], None], work: Work, log_level: str) -> None:
    from cognitude_plugins.gateway.supervisor import leave_with_supervisor

    begin(log_level)
    leave_with_supervisor()
    raise SystemExit(work(sockets, ready))
