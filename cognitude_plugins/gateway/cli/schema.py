"""``cognitude schema``: the JSON Schema that editors complete plugins.yaml from."""

from __future__ import annotations

import click

from . import print_json


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of plugins.yaml, of the core and all installed plugins."""
    from cognitude_plugins.gateway.schema import schema

    print_json(schema())
