"""``cognitude plan``: what another configuration would change, before it is in force."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from hooks import ConfigError

from . import config_option, json_option, print_json
from .replay import made, order_of

if TYPE_CHECKING:
    from cognitude_plugins.gateway.replay.differences import Difference

_SINCE: Final = "24h"
_MARKS: Final = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}
_LONGEST: Final = 200


@click.command("plan")
@click.argument("new", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, new: Path, config: Path, as_json: bool) -> None:
    """Check NEW, show what it changes against --config, and replay the last 24 hours' calls through it.

    Secrets are not shown. Nothing is changed, and no provider is called. Exit code 1: NEW has problems, which are
    listed; 2: the replay could not be made.
    """
    from cognitude_plugins.gateway.replay.differences import differences, secrets_of
    from cognitude_plugins.gateway.runtime import build
    from cognitude_plugins.gateway.yamlfile import Document

    try:
        runtime = build(new, os.environ)
    except ConfigError as error:
        _refuse(error, new, as_json)
        ctx.exit(1)
    try:
        known = _secrets_in(config)
        hidden = None if known is None else known | secrets_of(runtime.loaded)
        found = differences(Document.read(config).data, Document.read(new).data, hidden)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    if not as_json:
        _print(found, config)
    report = made(order_of(config=new, since=_SINCE, recorded_by=config, may_be_new=True))
    if as_json:
        print_json({"ok": True, "problems": [], "differences": [one.as_dict() for one in found], "replay": report})
        return
    from .replayed import show

    click.echo("")
    click.echo("The calls of the last 24 hours:")
    show(report)


def _secrets_in(config: Path) -> frozenset[str] | None:
    """None of a file that is not in order any more: nobody knows what its plugins' settings call secret."""
    from cognitude_plugins.gateway.replay.differences import secrets_of
    from cognitude_plugins.gateway.runtime import build

    try:
        return secrets_of(build(config, os.environ).loaded)
    except ConfigError:
        return None


def _refuse(error: ConfigError, new: Path, as_json: bool) -> None:
    """As ``cognitude check`` does."""
    if as_json:
        print_json({"ok": False, "problems": [problem.as_dict() for problem in error.problems]})
        return
    for problem in error.problems:
        click.echo(str(problem), err=True)
    click.echo(f"{len(error.problems)} problem(s) in {new}", err=True)


def _print(found: Sequence[Difference], config: Path) -> None:
    click.echo(f"No problems. {len(found) or 'No'} difference(s) from {config}.")
    for one in found:
        click.echo(_plain(f"{_MARKS[one.kind]} {one.path}{_values(one)}"))


def _values(one: Difference) -> str:
    if one.kind == "moved":
        return f": from place {one.before} to {one.after}"
    if one.kind == "changed":
        return f": {_text(one.before)} -> {_text(one.after)}"
    return f": {_text(one.after if one.kind == 'added' else one.before)}"


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _plain(text: str) -> str:
    """Without what would change the terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)
