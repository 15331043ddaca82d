"""``cognitude monitor alerts``: what fires in a running gateway, and which rules there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from hooks.remote import Remote, remote_options, show


def register(cli: click.Group) -> None:
    """The group ``monitor`` is analytics' where that is listed before, or made here."""
    found = cli.commands.get("monitor")
    if isinstance(found, click.Group):
        found.add_command(alerts)
        return
    monitor.add_command(alerts)
    cli.add_command(monitor)


@click.group("monitor")
def monitor() -> None:
    """How a running gateway is doing.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """


@click.group("alerts")
def alerts() -> None:
    """What fires, and which rules there are.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """


@alerts.command("list")
@click.option("--severity", type=click.Choice(("info", "warning", "critical")), help="Those of this severity.")
@click.option("--resolved", is_flag=True, help="Also those that are over.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="The most alerts.")
@remote_options
def list_alerts(
    url: str, organization: str | None, as_json: bool, severity: str | None, resolved: bool, limit: int
) -> None:
    """Alerts, those that are open first and the newest first."""
    query = {"limit": str(limit)} | ({} if resolved else {"state": "open"})
    query |= {} if severity is None else {"severity": severity}
    show(Remote(url=url, organization=organization).ask("GET", "/alerts", query=query), as_json, _print_alerts)


@alerts.command("ack")
@click.argument("alert", metavar="ID")
@click.option("--note", help="For its history.")
@remote_options
def acknowledge(url: str, organization: str | None, as_json: bool, alert: str, note: str | None) -> None:
    """Acknowledge an alert: it is not told again until it is resolved."""
    from urllib.parse import quote

    path = f"/alerts/{quote(alert, safe='')}/ack"
    body = {} if note is None else {"note": note}
    show(Remote(url=url, organization=organization).ask("POST", path, body=body), as_json, _print_alert)


@alerts.command("rules")
@remote_options
def list_rules(url: str, organization: str | None, as_json: bool) -> None:
    """The rules that watch the organization, the gateway's and those of plugins.yaml too."""
    show(Remote(url=url, organization=organization).ask("GET", "/alerts/configs"), as_json, _print_rules)


def _print_alerts(found: Any) -> None:
    if not found["data"]:
        click.echo("nothing fires")
    for one in found["data"]:
        _print_alert(one)
    if found["has_more"]:
        click.echo("there are more; see --limit")


def _print_alert(one: Mapping[str, Any]) -> None:
    by = f" by {one['acknowledged_by']}" if one["state"] == "acknowledged" else ""
    click.echo(f"{one['severity']:8}  {one['state']}{by}  since {one['began_at'][:16]}Z  {one['id']}")
    click.echo(f"          {one['organization']}: {one['title']}")


def _print_rules(found: Any) -> None:
    if not found["data"]:
        click.echo("no rules")
    for one in found["data"]:
        state = "" if one["enabled"] else "  (disabled)"
        problem = f"  (not known: {one['not_known']})" if one["not_known"] else ""
        click.echo(f"{one['severity']:8}  {one['name']}: {_condition(one)}{state}{problem}  {one['id']}")
    for one in found["data"]:
        if one["warning"]:
            click.echo(f"Warning: {one['name']}: {one['warning']}")


def _condition(rule: Mapping[str, Any]) -> str:
    if rule["slo"] is not None:
        return f"{rule['slo']['of']}, objective {rule['slo']['objective']:g}"
    filters = "".join(f", {name}={value}" for name, value in rule["filters"].items())
    window = f" over {rule['window']}" if rule["window"] else ""
    wait = f" for {rule['for']}" if rule["for"] != "0s" else ""
    return f"{rule['metric']} {rule['operator']} {rule['threshold']:g}{window}{wait}{filters}"
