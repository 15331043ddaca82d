"""``cognitude cost alerts configure``: the rules that people start with, each known by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import click

from hooks.remote import Remote, remote_options, show

_PATH: Final = "/alerts/configs"
_METRICS: Final = ("daily_cost", "weekly_cost", "monthly_cost", "error_rate")
_ERROR_WINDOW: Final = "15m"


@click.group("alerts")
def alerts() -> None:
    """Alerts on what is spent.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """


@alerts.command("configure")
@click.option("--daily", metavar="USD", type=click.FloatRange(min=0, min_open=True), help="Alert above this in a day.")
@click.option("--weekly", metavar="USD", type=click.FloatRange(min=0, min_open=True), help="In a week.")
@click.option("--monthly", metavar="USD", type=click.FloatRange(min=0, min_open=True), help="In a month.")
@click.option(
    "--error-rate",
    metavar="SHARE",
    type=click.FloatRange(0, 1, min_open=True),
    help="Alert when more than this share of the calls of a quarter of an hour fail, as 0.05.",
)
@click.option("--severity", type=click.Choice(("info", "warning", "critical")), default="warning", show_default=True)
@click.option("--channel", "channels", multiple=True, metavar="NAME", help="Alert this channel; repeat for more.")
@remote_options
def configure(
    url: str,
    organization: str | None,
    as_json: bool,
    severity: str,
    channels: tuple[str, ...],
    **thresholds: float | None,
) -> None:
    """Make the rules daily_cost, weekly_cost, monthly_cost and error_rate, or change those that there are.

    Said again it changes nothing. Rules that are not named stay as they are.
    """
    wanted = list(_wanted(thresholds, severity, channels))
    if not wanted:
        raise click.UsageError("say at least one of --daily, --weekly, --monthly and --error-rate.")
    client = Remote(url=url, organization=organization)
    there = {one["name"]: one["id"] for one in client.ask("GET", _PATH)["data"]}
    found = [_set(client, there.get(one["name"]), one) for one in wanted]
    show(found, as_json, _print)


def _wanted(thresholds: dict[str, float | None], severity: str, channels: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    values = (thresholds["daily"], thresholds["weekly"], thresholds["monthly"], thresholds["error_rate"])
    for metric, threshold in zip(_METRICS, values, strict=True):
        if threshold is None:
            continue
        rule = {"name": metric, "metric": metric, "operator": ">", "threshold": threshold, "severity": severity}
        if metric == "error_rate":
            rule["window"] = _ERROR_WINDOW
        yield {**rule, "channels": list(channels)}


def _set(client: Remote, id: str | None, rule: dict[str, Any]) -> Any:
    if id is None:
        return client.ask("POST", _PATH, body=rule)
    return client.ask("PATCH", f"{_PATH}/{id}", body={name: value for name, value in rule.items() if name != "name"})


def _print(found: Any) -> None:
    for one in found:
        channels = ", ".join(one.get("channels") or ()) or "every channel that hears it"
        click.echo(f"{one['name']}: {one['metric']} > {one['threshold']:g} ({one['severity']}), to {channels}")
    for warning in dict.fromkeys(one["warning"] for one in found if one.get("warning")):
        click.echo(f"Warning: {warning}")
