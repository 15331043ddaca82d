"""``cognitude monitor status``, ``metrics`` and ``costs``: a running gateway for people who look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, get_args

import click

from hooks.remote import Remote, remote_options

from .stretches import Range

_FORMATS: Final = ("table", "json", "csv")
_WATCH_SECONDS: Final = 2.0
_LEAST_SECONDS: Final = 0.2
_ASK_SECONDS: Final = 5.0


def add_to(monitor: click.Group) -> None:
    for command in (status, metrics, costs):
        monitor.add_command(command)


def _looking(function: Callable[..., None]) -> Callable[..., None]:
    """Options that all three have, beside `remote_options`."""
    for option in (
        click.option(
            "--format",
            "form",
            type=click.Choice(_FORMATS),
            default="table",
            show_default=True,
            help="A screen, or data for programs.",
        ),
        click.option(
            "--watch",
            type=click.FloatRange(min=_LEAST_SECONDS),
            is_flag=False,
            flag_value=_WATCH_SECONDS,
            metavar="[SECONDS]",
            help=f"Draw it again every so many seconds, {_WATCH_SECONDS:g} without a number.",
        ),
    ):
        function = option(function)
    return remote_options(function)


_range = partial(
    click.option, "--range", "wanted", type=click.Choice(get_args(Range)), show_default=True, help="It ends now."
)
_by = partial(click.option, "--by", metavar="DIMENSION")


@click.command("status")
@_looking
def status(url: str, organization: str | None, as_json: bool, form: str, watch: float | None) -> None:
    """The gateway, its database and ledger, each deployment and each plugin. Needs no key.

    What it says of deployments is of the last two minutes, as the process that answered has seen it.
    """
    from .status_view import deployments_of, status_screen

    remote = _remote(url, organization, watch)
    ask = partial(remote.ask, "GET", "/health", public=True)
    _show(ask, status_screen, deployments_of, _form(form, as_json, watch), watch)


@click.command("metrics")
@_range(default="24h")
@_by(help="Also bars of model, provider, key, user, source, complexity or tag:NAME.")
@_looking
def metrics(
    url: str, organization: str | None, as_json: bool, form: str, watch: float | None, wanted: str, by: str | None
) -> None:
    """Calls, errors, latency, tokens and hits of the cache over time."""
    from .metrics_view import metrics_screen

    remote = _remote(url, organization, watch)
    ask = partial(_series, remote, wanted, by, latencies="true")
    _show(ask, metrics_screen, lambda found: _rows(found, by), _form(form, as_json, watch), watch)


@click.command("costs")
@_range(default="30d")
@_by(help="Bars of model (the default), provider, key, user, source, complexity or tag:NAME.")
@_looking
def costs(
    url: str, organization: str | None, as_json: bool, form: str, watch: float | None, wanted: str, by: str | None
) -> None:
    """What was spent and saved over time, today, and by whom or what."""
    from .costs_view import costs_screen

    remote = _remote(url, organization, watch)

    def ask() -> dict[str, Any]:
        series = _series(remote, wanted, by or "model", sort="cost")
        return {"range": series, "today": _series(remote, "today")}

    def draw(found: Any, width: int, height: int | None) -> Any:
        return costs_screen(found["range"], found["today"], width, height)

    _show(ask, draw, lambda found: _rows(found["range"], by), _form(form, as_json, watch), watch)


def _series(remote: Remote, wanted: str, by: str | None = None, **asked: str) -> Any:
    return remote.ask("GET", "/analytics/series", query={"range": wanted, "by": by or "", **asked})


def _rows(series: Any, by: str | None) -> list[dict[str, Any]]:
    """Groups where they were asked for, else points; metrics of the configuration are columns too."""
    if by is None:
        return [_columns({"time": row["time"]}, row) for row in series["points"]]
    return [_columns({by: row["group"][by]}, row) for row in series["groups"]]


def _columns(name: dict[str, Any], row: Any) -> dict[str, Any]:
    known = {field: value for field, value in row.items() if field not in ("time", "group", "metrics")}
    return {**name, **known, **row["metrics"]}


def _remote(url: str, organization: str | None, watch: float | None) -> Remote:
    """Whoever watches would rather see that the gateway is away than wait for it."""
    if watch is None:
        return Remote(url=url, organization=organization)
    return Remote(url=url, organization=organization, seconds=_ASK_SECONDS)


def _form(form: str, as_json: bool, watch: float | None) -> str:
    form = "json" if as_json else form
    if watch is not None and form != "table":
        raise click.UsageError(f"--watch draws a screen, and --format {form} is data: choose one of them.")
    return form


def _show(
    ask: Callable[[], Any], draw: Any, rows: Callable[[Any], Sequence[Any]], form: str, seconds: float | None
) -> None:
    from .records import as_csv, as_json
    from .watch import console, show_once, watch

    if form == "json":
        click.echo(as_json(ask()))
    elif form == "csv":
        click.echo(as_csv(rows(ask())))
    elif seconds is None:
        show_once(ask(), draw, console())
    else:
        watch(ask, draw, seconds, console())
