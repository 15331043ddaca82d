"""``cognitude check``: everything that is wrong with a configuration, without running it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hooks import ConfigError

from . import config_option, json_option, print_json

if TYPE_CHECKING:
    from cognitude_plugins.gateway.runtime import Runtime


@click.command("check")
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, config: Path, as_json: bool) -> None:
    """Say everything that is wrong with a configuration. Exit code 1 if anything is."""
    try:
        runtime = _examined(config)
    except ConfigError as error:
        if as_json:
            print_json({"ok": False, "problems": [problem.as_dict() for problem in error.problems]})
        else:
            for problem in error.problems:
                click.echo(str(problem), err=True)
            click.echo(f"{len(error.problems)} problem(s) in {config}", err=True)
        ctx.exit(1)
    models, plugins = len(runtime.catalog.models), len(runtime.loaded)
    redis = runtime.config.services.redis.parsed.kind
    if as_json:
        print_json({"ok": True, "problems": [], "models": models, "plugins": plugins, "redis": redis})
    else:
        shared = "" if redis == "memory" else f"Redis ({redis}), "
        click.echo(f"{config}: {models} models, {plugins} plugins, {shared}no problems")


def _examined(config: Path) -> Runtime:
    """What a start would build, and the document of the plugins' endpoints, which is made when it is asked for."""
    from cognitude_plugins.gateway.openapi import document
    from cognitude_plugins.gateway.routes import operations
    from cognitude_plugins.gateway.runtime import build
    from cognitude_plugins.gateway.version import VERSION

    runtime = build(config, os.environ)
    try:
        document(operations(runtime.routes), version=VERSION)
    except ValueError as error:
        raise ConfigError(f"the endpoints of the plugins cannot be documented: {error}") from None
    return runtime
