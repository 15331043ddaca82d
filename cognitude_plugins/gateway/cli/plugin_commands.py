"""The commands that plugins bring along."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from hooks import ConfigError


def plugin_commands(path: Path, environ: Mapping[str, str]) -> click.Group:
    """The commands of the plugins in a configuration; none, and a word on stderr, when it cannot be used."""
    group = click.Group()
    if not path.exists():
        return group
    from cognitude_plugins.gateway.foreign import ask
    from cognitude_plugins.gateway.loader import load_file, register

    try:
        manager = register(load_file(path, environ)[1])
    except ConfigError as error:
        click.echo(
            f"{path}: {len(error.problems)} problem(s), so plugins' commands are missing; see cognitude check", err=True
        )
        return group
    for hook in manager.hook.commands.get_hookimpls():
        ask(hook, "commands", group)
    return group
