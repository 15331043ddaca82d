"""``cognitude cost`` and ``cognitude monitor``: what a running gateway has spent, and how it is doing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from hooks.remote import Remote, remote_options, show

from .monitor.commands import add_to


def register(cli: click.Group) -> None:
    add_to(monitor)
    for group in (cost, monitor):
        _merge(cli, group)


def _merge(cli: click.Group, group: click.Group) -> None:
    """Into the group of that name, if another plugin has made one already."""
    there = cli.commands.get(group.name or "")
    if not isinstance(there, click.Group):
        cli.add_command(group)
        return
    there.help = group.help
    for command in group.commands.values():
        there.add_command(command)


@click.group("cost")
def cost() -> None:
    """Where the money goes, what to change, what it will cost.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """


@cost.command("summary")
@click.option(
    "--range",
    "span",
    type=click.Choice(("24h", "7d", "30d")),
    default="7d",
    show_default=True,
    help="Of which time the models and keys are.",
)
@remote_options
def summary(url: str, organization: str | None, as_json: bool, span: str) -> None:
    """This day, week and month against as much of the one before, and who has spent the most."""
    from .breakdown.summary_view import summary_lines

    found = Remote(url=url, organization=organization).ask("GET", "/analytics/summary", query={"range": span})
    show(found, as_json, _echo(summary_lines))


@cost.command("breakdown")
@click.option("--from", "start_date", metavar="DAY", help="The first day, as 2026-11-01.")
@click.option("--to", "end_date", metavar="DAY", help="The last day, included; today without it.")
@click.option(
    "--by",
    "group_by",
    metavar="WHAT",
    default="model",
    show_default=True,
    help="One or two with a comma between: day, hour, model, provider, user, key, source, complexity, tag, tag:NAME.",
)
@click.option("--order", help="cost, calls, tokens, saved, errors, error_rate, hit_rate, p95 or group.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="The most groups.")
@click.option("--format", "shape", type=click.Choice(("table", "json", "csv")), default="table", show_default=True)
@remote_options
def breakdown(
    url: str,
    organization: str | None,
    as_json: bool,
    start_date: str | None,
    end_date: str | None,
    group_by: str,
    order: str | None,
    limit: int,
    shape: str,
) -> None:
    """What calls came to, group by group."""
    from .breakdown.csv_text import as_csv
    from .breakdown.view import breakdown_lines

    asked = {"start_date": start_date, "end_date": end_date, "group_by": group_by, "order": order, "limit": str(limit)}
    query = {name: value for name, value in asked.items() if value}
    found = Remote(url=url, organization=organization).ask("GET", "/analytics/breakdown", query=query)
    if shape == "csv" and not as_json:
        click.echo(as_csv(found), nl=False)
    else:
        show(found, as_json or shape == "json", _echo(breakdown_lines))


@cost.command("forecast")
@click.option("--level", metavar="SHARE", help="How often intervals are to contain what comes: 0.5 to 0.95.")
@click.option("--days", metavar="N", help="Days after today to list: 1 to 90.")
@click.option("--budget", metavar="USD", help="When does this budget run out?")
@click.option("--period", metavar="PERIOD", help="Of the budget: week, month or year.")
@remote_options
def forecast(
    level: str | None,
    days: str | None,
    budget: str | None,
    period: str | None,
    url: str,
    organization: str | None,
    as_json: bool,
) -> None:
    """What the day, week, month and year will cost, with intervals, and when a budget runs out."""
    from .forecast.view import forecast_lines

    query = {"level": level, "days": days, "budget_usd": budget, "period": period}
    found = Remote(url=url, organization=organization).ask("GET", "/analytics/forecast", query=_given(query))
    show(found, as_json, _echo(forecast_lines))


@cost.command("anomalies")
@click.option("--from", "start_date", metavar="DAY", help="The first day, as 2026-11-01; without, the last seven days.")
@click.option("--to", "end_date", metavar="DAY", help="The last day, included; today without it.")
@remote_options
def anomalies(start_date: str | None, end_date: str | None, url: str, organization: str | None, as_json: bool) -> None:
    """Hours of unusual spend, errors or latency, and the models, providers and keys they came from."""
    from .anomalies.view import anomaly_lines

    query = _given({"start_date": start_date, "end_date": end_date})
    found = Remote(url=url, organization=organization).ask("GET", "/analytics/anomalies", query=query)
    show(found, as_json, _echo(anomaly_lines))


@cost.command("recommendations")
@click.option("--days", type=click.IntRange(1, 90), help="How many days to look back at.")
@remote_options
def recommendations(url: str, organization: str | None, as_json: bool, days: int | None) -> None:
    """What to change, with the saving it would have had on the calls of the last days."""
    from .recommendations.view import print_recommendations

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
    from .savings.view import print_savings

    asked = {"start_date": start_date, "end_date": end_date, "baseline": baseline}
    query = {name: value for name, value in asked.items() if value}
    found = Remote(url=url, organization=organization).ask("GET", "/analytics/savings", query=query)
    show(found, as_json, print_savings)


@click.group("monitor")
def monitor() -> None:
    """How the gateway and its providers are doing.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """


def _given(query: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in query.items() if value is not None}


def _echo(lines: Callable[[Any], Iterator[str]]) -> Callable[[Any], None]:
    def echo(found: Any) -> None:
        for line in lines(found):
            click.echo(line.rstrip())

    return echo
