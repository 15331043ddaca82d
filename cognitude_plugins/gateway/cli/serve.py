"""``cognitude serve``: run the gateway."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from hooks import ConfigError

from . import CONFIG_VARIABLE, config_option
from .first_run import banner, first_key, refuse_open_door
from .logs import set_up

STARTUP_FAILED: Final = 3


@click.command("serve")
@config_option
@click.option("--host", default=None, help="Address to listen on; by default gateway.listen.host.")
@click.option("--port", default=None, type=click.IntRange(0, 65535), help="Port; 0 for any that is free.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Serving processes.")
@click.option(
    "--log-level", default="info", type=click.Choice(["debug", "info", "warning", "error"]), show_default=True
)
@click.pass_context
def command(ctx: click.Context, config: Path, host: str | None, port: int | None, workers: int, log_level: str) -> None:
    """Run the gateway. SIGHUP reads the configuration again, SIGTERM drains and ends with exit code 0."""
    ctx.exit(serve(config, host, port, workers, log_level))


def serve(
    config: Path, host: str | None, port: int | None, workers: int, log_level: str, wrapped: str | None = None
) -> int:
    """The exit code. ``wrapped`` is ``package.module:app`` when the pipeline runs in front of another app."""
    from cognitude_plugins.gateway.config import load
    from cognitude_plugins.gateway.server import bind

    set_up(log_level)
    os.environ[CONFIG_VARIABLE] = str(config)
    try:
        settings = load(config, os.environ)
        key = first_key(settings.gateway.keys, os.environ)
        host = host or settings.gateway.listen.host
        refuse_open_door(key, host)
        listener = bind(host, settings.gateway.listen.port if port is None else port)
    except (ConfigError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    model = next((model.name for model in settings.models if model.name != "*"), "gpt-4o-mini")
    show = partial(click.echo, banner(config, url, key, model, os.environ))
    if workers == 1:
        return work([listener], config, log_level, wrapped, show)
    from cognitude_plugins.gateway.supervisor import Supervisor

    show()
    return Supervisor(partial(worker, config=config, log_level=log_level, wrapped=wrapped), [listener], workers).run()


def worker(sockets: Sequence[socket.socket], config: Path, log_level: str, wrapped: str | None) -> None:
    """One of several serving processes."""
    from cognitude_plugins.gateway.supervisor import leave_with_supervisor

    set_up(log_level)
    leave_with_supervisor()
    raise SystemExit(work(sockets, config, log_level, wrapped, lambda: None))


def work(sockets: Sequence[socket.socket], config: Path, log_level: str, wrapped: str | None, ready: Any) -> int:
    from cognitude_plugins.gateway.server import run

    try:
        app, asgi = _apps(config, wrapped)
    except ConfigError as error:
        click.echo(f"Error: {error}", err=True)
        return STARTUP_FAILED
    return run(app, sockets, asgi=asgi, ready=ready)


def _apps(config: Path, wrapped: str | None) -> tuple[Any, Any]:
    if wrapped is None:
        from cognitude_plugins.gateway.app import create_app

        return create_app(config), None
    from cognitude_plugins.gateway.middleware import CognitudeMiddleware
    from cognitude_plugins.gateway.providers.asgi_apps import imported

    try:
        middleware = CognitudeMiddleware(imported(wrapped), config)
    except (ImportError, AttributeError, ValueError) as error:
        raise click.ClickException(f"{wrapped}: {error}") from None
    return middleware.gateway, middleware
