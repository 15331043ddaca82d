"""The ``cognitude`` command: the core's commands, and those of the plugins that plugins.yaml lists."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click

from cognitude_plugins.gateway.version import VERSION

CONFIG_VARIABLE: Final = "COGNITUDE_CONFIG"
_CORE: Final[Mapping[str, tuple[str, str]]] = {
    "check": ("check", "Say everything that is wrong with a configuration."),
    "explain": ("explain", "Show the compiled pipeline: what runs at each stage, in which order, under which policy."),
    "jobs": ("jobs", "List the jobs of a running gateway's plugins, or run one now."),
    "key": ("key", "Create, list, rotate and revoke keys."),
    "ledger": ("ledger", "Export the rows of the ledger."),
    "migrate": ("migrate", "Bring the database up to date, or back to a revision."),
    "org": ("org", "Create, list and disable organizations."),
    "plan": ("plan", "What another configuration changes, and what it would have made of the last day's calls."),
    "replay": ("replay", "Play recorded calls through another configuration."),
    "schema": ("schema", "Print the JSON Schema of plugins.yaml, of the core and all installed plugins."),
    "secrets": ("secrets", "Encrypt what is stored under the current secret key."),
    "serve": ("serve", "Run the gateway."),
    "simulate": ("simulate", "Run a simulated model with the OpenAI API."),
    "usage": ("usage", "What an organization has used and spent."),
    "user": ("user", "Create, list and disable users of an organization."),
    "wrap": ("wrap", "Run an ASGI app with the pipeline in front of it."),
}


_CANNOT_BE_WRITTEN: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EBADF})


class Commands(click.Group):
    """The core's commands are imported when they are run; the plugins' when help is asked for or one of them is run."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plugins: click.Group | None = None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_CORE, *self._of_plugins().commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _CORE:
            module = importlib.import_module(f"{__name__}.{_CORE[cmd_name][0]}")
            command: click.Command = module.command
            return command
        return self._of_plugins().commands.get(cmd_name)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """That nothing can be printed is said in a line."""
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            if not of_output(error):
                raise
            click.echo(f"Error: standard output cannot be written: {error.strerror}", err=True)
            with suppress(OSError):
                # Or the interpreter tries again at its end.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, _CORE[name][1]) for name in sorted(_CORE)]
        plugins = self._of_plugins().commands
        rows += [(name, plugins[name].get_short_help_str(limit=90)) for name in sorted(plugins) if name not in _CORE]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _of_plugins(self) -> click.Group:
        if self._plugins is None:
            from .plugin_commands import plugin_commands

            self._plugins = plugin_commands(Path(os.environ.get(CONFIG_VARIABLE, "plugins.yaml")), os.environ)
        return self._plugins


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="cognitude")
def main() -> None:
    """An OpenAI-compatible LLM gateway in which everything beyond passing a call on is a plugin.

    Plugins' own commands are those of the plugins.yaml here, or of the file that COGNITUDE_CONFIG names.
    """


def of_output(error: OSError) -> bool:
    """Whether it is of what is open already: a command's output, as every other file is named."""
    return error.filename is None and error.errno in _CANNOT_BE_WRITTEN


def config_option(function: Any) -> Any:
    """``--config FILE``: by default the file that COGNITUDE_CONFIG names, or plugins.yaml here."""
    return click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("plugins.yaml"),
        envvar=CONFIG_VARIABLE,
        show_default="plugins.yaml",
        help="The configuration file.",
    )(function)


def json_option(function: Any) -> Any:
    """``--json``: the same for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")(function)


def print_json(value: Any) -> None:
    import json

    click.echo(json.dumps(value, indent=2, ensure_ascii=not (sys.stdout.encoding or "").lower().startswith("utf")))
