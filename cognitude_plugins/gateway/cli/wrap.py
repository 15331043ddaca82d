"""``cognitude wrap``: an ASGI app with the pipeline in front of it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from . import config_option
from .serve import serve


@click.command("wrap")
@click.argument("app")
@config_option
@click.option("--host", default=None, help="Address to listen on; by default gateway.listen.host.")
@click.option("--port", default=None, type=click.IntRange(0, 65535), help="Port; 0 for any that is free.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Serving processes.")
@click.option(
    "--log-level", default="info", type=click.Choice(["debug", "info", "warning", "error"]), show_default=True
)
@click.pass_context
def command(
    ctx: click.Context, app: str, config: Path, host: str | None, port: int | None, workers: int, log_level: str
) -> None:
    """Run APP (package.module:app) with the pipeline in front of its OpenAI endpoints; all else passes untouched."""
    sys.path.insert(0, str(Path.cwd()))
    ctx.exit(serve(config, host, port, workers, log_level, wrapped=app))
