"""``cognitude routing``: what a running gateway's experiments have come to."""

from __future__ import annotations

import click

from hooks.remote import Remote, remote_options, show


def register(cli: click.Group) -> None:
    cli.add_command(command)


@click.group("routing")
def command() -> None:
    """Show what experiments have come to.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """


@command.command("experiments")
@remote_options
def experiments(url: str, organization: str | None, as_json: bool) -> None:
    """Each arm's users, cost, errors and latency, and the difference to the control with its 95 % interval."""
    from .printed import print_experiments

    show(Remote(url=url, organization=organization).ask("GET", "/routing/experiments"), as_json, print_experiments)
