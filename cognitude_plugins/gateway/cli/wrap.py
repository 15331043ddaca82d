"""``cognitude wrap``: an ASGI app with the pipeline in front of it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from cognitude_plugins.gateway.config import Config
from hooks import ConfigError, Unavailable

from . import CONFIG_VARIABLE, config_option
from .first_run import first_key_of, refuse_open_door
from .serving import STARTUP_FAILED, begin, in_processes, listening, serving_options


@click.command("wrap")
@click.argument("app")
@config_option
@click.option("--factory", is_flag=True, help="APP is a function that returns the app.")
@serving_options
@click.pass_context
def command(
    ctx: click.Context,
    app: str,
    config: Path,
    factory: bool,
    host: str | None,
    port: int | None,
    workers: int,
    log_level: str,
) -> None:
    """Run APP (package.module:app) with the pipeline in front of its OpenAI endpoints; all else passes untouched.

    APP is found in the current directory too. SIGHUP reads the configuration again, SIGTERM drains and ends with exit
    code 0.
    """
    sys.path.insert(0, str(Path.cwd()))
    begin(log_level)
    os.environ[CONFIG_VARIABLE] = str(config)
    settings, listener, said = _prepared(app, config, host, port)
    serving = partial(work, app=app, factory=factory, config=config)
    ctx.exit(in_processes(serving, settings, listener, workers, log_level, said))


def _prepared(app: str, config: Path, host: str | None, port: int | None) -> tuple[Config, socket.socket, str]:
    """A listening socket, and what to print. With ``auth: inner`` the app checks keys, so none is made up."""
    from cognitude_plugins.gateway.config import load

    try:
        settings = load(config, os.environ)
        gateway = settings.gateway
        host = host or gateway.listen.host
        own = gateway.middleware.auth == "gateway"
        if own:
            refuse_open_door(settings, os.environ, host)
        listener, url = listening(gateway, host, port)
        key = first_key_of(settings, os.environ) if own else None
    except (ConfigError, Unavailable, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    return settings, listener, banner(app, config, url, gateway.middleware.auth, key)


def banner(app: str, config: Path, url: str, auth: str, key: str | None) -> str:
    """What is printed when it serves: where, and whose keys clients send."""
    keys = "those of the app, which checks them" if auth == "inner" else "those of accounts and gateway.keys"
    made = "" if key is None else f"\nkey      {key}\n         (the first one; it is not shown again)"
    return f"\nCognitude is in front of {app}, configured by {config}\naddress  {url}\nkeys     {keys}{made}\n"


def work(sockets: Sequence[socket.socket], ready: Callable[[], None], app: str, factory: bool, config: Path) -> int:
    """One serving process."""
    from cognitude_plugins.gateway.middleware import CognitudeMiddleware
    from cognitude_plugins.gateway.server import run

    try:
        middleware = CognitudeMiddleware(loaded(app, factory), config)
        gateway = middleware.gateway
    except (ConfigError, click.UsageError) as error:
        click.echo(f"Error: {error}", err=True)
        return STARTUP_FAILED
    return run(gateway, sockets, asgi=middleware, ready=ready)


def loaded(name: str, factory: bool) -> Any:
    """The app. Raises `click.UsageError` when there is none; what its module raises otherwise is its own."""
    from cognitude_plugins.gateway.providers.asgi_apps import imported

    try:
        app = imported(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise click.UsageError(f"{name}: {error}") from error
    if factory and callable(app):
        app = app()
    if not callable(app):
        raise click.UsageError(f"{name} is {type(app).__name__}, which is no ASGI app")
    return app
