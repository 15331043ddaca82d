"""The commands of analytics."""

from __future__ import annotations

import click

from cognitude_plugins.analytics.commands import register


def test_there_are_two_groups_of_them() -> None:
    cli = click.Group()
    register(cli)
    assert set(cli.commands) == {"cost", "monitor"}
