"""``cognitude ledger``: the rows of the ledger, in a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click

from . import config_option

_FOREVER = 2**62


@click.group("ledger")
def command() -> None:
    """Export the rows of the ledger."""


@command.command("export")
@click.option("--since", metavar="TIME", help="Only calls that arrived then or later: 2026-11-30, or with a time.")
@click.option("--until", metavar="TIME", help="Only calls that arrived before then.")
@click.option("--organization", metavar="ID", help="Only the calls of this organization.")
@click.option(
    "--format",
    "format",
    type=click.Choice(("jsonl", "csv", "parquet")),
    default="jsonl",
    show_default=True,
    help="JSON lines, CSV with a header, or Parquet.",
)
@click.option("--output", metavar="FILE", default="-", help="Where to; by default, and as -, standard output.")
@config_option
def export(
    since: str | None, until: str | None, organization: str | None, format: Any, output: str, config: Path
) -> None:
    """Write one row per call, in the order of their arrival, as far back as single calls are kept.

    Times without a zone are UTC. The id is the answer's x-request-id. FILE is replaced when all is written; a pipe or
    a device is written as it is.
    """
    from cognitude_plugins.gateway.ledger.export import rows, write

    if not output:
        raise click.BadParameter("a file, or - for standard output", param_hint="--output")
    start, end = milliseconds("--since", since, 0), milliseconds("--until", until, _FOREVER)
    from .ledger_database import open_ledger

    with open_ledger(config, os.environ, organization) as storage, target(output) as file, progress() as told:
        count = write(rows(storage, organization, start, end), file, format, told)
    if output != "-":
        click.echo(f"{count} rows in {output}", err=True)


def milliseconds(option: str, text: str | None, default: int) -> int:
    """A date or a time in ISO 8601 as milliseconds since 1970, the first that is not before it."""
    if text is None:
        return default
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no date and no time, as in 2026-11-30 or 2026-11-30T12:00:00Z", param_hint=option
        ) from None
    since = (when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + -(-since.microseconds // 1000)


@contextmanager
def target(output: str) -> Iterator[IO[bytes]]:
    from cognitude_plugins.gateway.ledger.export import replacing

    if output == "-":
        with click.open_file("-", "wb") as file:
            yield file
            file.flush()
    else:
        with replacing(Path(output)) as file:
            yield file


@contextmanager
def progress() -> Iterator[Callable[[int], None]]:
    """How many rows so far, on a line of standard error that is gone at the end; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    try:
        yield lambda count: click.echo(f"\r{count} rows", nl=False, err=True)
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)
