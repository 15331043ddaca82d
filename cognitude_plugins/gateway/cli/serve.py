"""``cognitude serve``: run the gateway."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from cognitude_plugins.gateway.config import Config
from hooks import ConfigError, Unavailable

from . import CONFIG_VARIABLE, config_option
from .first_run import banner, first_key_of, refuse_open_door
from .serving import STARTUP_FAILED, begin, in_processes, listening, serving_options


@click.command("serve")
@config_option
@serving_options
@click.pass_context
def command(ctx: click.Context, config: Path, host: str | None, port: int | None, workers: int, log_level: str) -> None:
    """Run the gateway. SIGHUP reads the configuration again, SIGTERM drains and ends with exit code 0."""
    begin(log_level)
    os.environ[CONFIG_VARIABLE] = str(config)
    settings, listener, said = _prepared(config, host, port)
    ctx.exit(in_processes(partial(work, config=config), settings, listener, workers, log_level, said))


def _prepared(config: Path, host: str | None, port: int | None) -> tuple[Config, socket.socket, str]:
    """A listening socket, and what to print. Everything that can be wrong with the file is known before."""
    from cognitude_plugins.gateway.runtime import build

    try:
        settings = build(config, os.environ).config
        host = host or settings.gateway.listen.host
        refuse_open_door(settings, os.environ, host)
        listener, url = listening(settings.gateway, host, port)
        key = first_key_of(settings, os.environ)
    except (ConfigError, Unavailable, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    model = next((model.name for model in settings.models if model.name != "*"), "gpt-4o-mini")
    return settings, listener, banner(config, url, key, model, os.environ)


def work(sockets: Sequence[socket.socket], ready: Callable[[], None], config: Path) -> int:
    """One serving process."""
    from cognitude_plugins.gateway.app import create_app
    from cognitude_plugins.gateway.server import run

    try:
        app = create_app(config)
    except ConfigError as error:
        click.echo(f"Error: {error}", err=True)
        return STARTUP_FAILED
    return run(app, sockets, ready=ready)
