"""``cognitude cost`` and ``cognitude monitor``: what a running gateway has spent, and how it is doing."""

from __future__ import annotations

import click

from hooks.remote import Remote, remote_options, show


def register(cli: click.Group) -> None:
    cli.add_command(cost)
    cli.add_command(monitor)


@click.group("cost")
def cost() -> None:
    """Where the money goes, what to change, what it will cost.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """


@cost.command("recommendations")
@click.option("--days", type=click.IntRange(1, 90), help="How many days to look back at.")
@remote_options
def recommendations(url: str, organization: str | None, as_json: bool, days: int | None) -> None:
    """What to change, with the saving it would have had on the calls of the last days."""
    from .recommendations_view import print_recommendations

    query = {} if days is None else {"days": str(days)}
    found = Remote(url=url, organization=organization).ask("GET", "/analytics/recommendations", query=query)
    show(found, as_json, print_recommendations)


@cost.command("savings")
@click.option("--from", "start_date", metavar="DAY", help="The first day, as 2026-11-01.")
@click.option("--to", "end_date", metavar="DAY", help="The last day; today without it.")
@click.option("--baseline", metavar="MODEL", help="A model to hold against.")
@remote_options
def savings(
    url: str,
    organization: str | None,
    as_json: bool,
    start_date: str | None,
    end_date: str | None,
    baseline: str | None,
) -> None:
    """What caches, coalescing and routing have saved."""
    from .savings_view import print_savings

    asked = {"start_date": start_date, "end_date": end_date, "baseline": baseline}
    query = {name: value for name, value in asked.items() if value}
    found = Remote(url=url, organization=organization).ask("GET", "/analytics/savings", query=query)
    show(found, as_json, print_savings)


@click.group("monitor")
def monitor() -> None:
    """How the gateway and its providers are doing.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """
