"""``cognitude cost`` and ``cognitude monitor``: what a running gateway has spent, and how it is doing."""

from __future__ import annotations

import click

from .monitor_commands import add_to


def register(cli: click.Group) -> None:
    cli.add_command(cost)
    add_to(monitor)
    cli.add_command(monitor)


@click.group("cost")
def cost() -> None:
    """Where the money goes, what to change, what it will cost.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """


@click.group("monitor")
def monitor() -> None:
    """How the gateway and its providers are doing.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """
