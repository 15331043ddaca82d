"""``cognitude jobs``: what runs between requests in a running gateway."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from hooks.remote import Remote, show

from . import json_option


def _url(function: Any) -> Any:
    return click.option(
        "--url",
        default="http://127.0.0.1:8080",
        envvar="COGNITUDE_URL",
        show_default=True,
        help="The gateway; COGNITUDE_URL says so too.",
    )(function)


@click.group("jobs")
def command() -> None:
    """List the jobs of a running gateway's plugins, or run one now.

    The gateway-admin key is taken from COGNITUDE_ADMIN_KEY.
    """


@command.command("list")
@_url
@json_option
def listing(url: str, as_json: bool) -> None:
    """Every job: when it is due, when it ran last and for how long, and what went wrong."""
    show(Remote(url=url, admin=True).ask("GET", "/admin/jobs"), as_json, _print)


@command.command("run")
@click.argument("name")
@_url
@json_option
def run(name: str, url: str, as_json: bool) -> None:
    """Run the job NAME now, and wait for its end. One that fails is told, with exit code 1."""
    found = Remote(url=url, admin=True).ask("POST", f"/admin/jobs/{quote(name, safe='')}/run")
    show(found, as_json, lambda one: click.echo(f"{one['name']}: {_outcome(one)}"))
    if found["last_error"]:
        raise SystemExit(1)


def _print(found: Any) -> None:
    rows = [("JOB", "WHEN", "LAST", "SECONDS", "STATE")]
    for one in found["data"]:
        last = (one["last_started_at"] or "-")[:19].replace("T", " ")
        seconds = "-" if one["last_seconds"] is None else f"{one['last_seconds']:.3f}"
        rows.append((one["name"], one["when"], last, seconds, _state(one)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _state(one: Any) -> str:
    status = str(one["status"])
    return status if status != "waiting" or not one["last_error"] else f"failed: {one['last_error']}"


def _outcome(one: Any) -> str:
    return f"failed: {one['last_error']}" if one["last_error"] else f"ran for {one['last_seconds']:.3f} s"
