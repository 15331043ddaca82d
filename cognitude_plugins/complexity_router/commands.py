"""``cognitude route``: where a running gateway would send a question, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from hooks.remote import Remote, remote_options, show

_SHOWN: Final = 6


def register(cli: click.Group) -> None:
    cli.add_command(command)


@click.group("route")
def command() -> None:
    """Ask a running gateway how it chooses among models.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """


@command.command("explain")
@click.argument("question")
@click.option("--optimize-for", type=click.Choice(["cost", "latency", "quality"]), help="What to choose by.")
@click.option("--max-latency-ms", type=float, help="Only models whose answers begin within it.")
@click.option("--max-cost", type=float, metavar="USD", help="Only models whose answer is estimated at no more.")
@click.option("--min-quality", type=float, metavar="SHARE", help="The share of the default's quality to be kept.")
@remote_options
def explain(question: str, url: str, organization: str | None, as_json: bool, **wishes: str | float | None) -> None:
    """Which model would answer QUESTION, and what would have changed that. No provider is called."""
    body = {name: value for name, value in wishes.items() if value is not None}
    body["messages"] = [{"role": "user", "content": question}]  # type: ignore[assignment]
    found = Remote(url=url, organization=organization).ask("POST", "/v1/smart/analyze", body=body)
    show(found, as_json, _print)


@command.command("info")
@remote_options
def info(url: str, organization: str | None, as_json: bool) -> None:
    """What the router chooses among, and what it has learned."""
    found = Remote(url=url, organization=organization).ask("GET", "/v1/smart/info")
    show(found, as_json, _print_info)


def _print(found: Mapping[str, Any]) -> None:
    routing = found["routing"]
    complexity = routing["complexity"]
    click.echo(f"model       {routing['selected_model']} ({routing['reason']})")
    click.echo(f"task        {routing['task_type']}")
    click.echo(f"complexity  {complexity['level']} ({complexity['score']:.2f})")
    strongest = sorted(complexity["features"].items(), key=lambda one: -abs(one[1]))[:_SHOWN]
    for name, value in strongest:
        click.echo(f"            {value:+.2f} {name}")
    usual = routing["usual_gain"]
    known = "no such questions in its data" if usual is None else f"{usual:+.2f} of a strong model over a weak one"
    click.echo(f"usual gain  {known}")
    cost, baseline = routing["estimated_cost"], routing["baseline_cost"]
    click.echo(f"cost        {_usd(cost)}, by {routing['default_model']} {_usd(baseline)}")
    click.echo("")
    rows: list[tuple[str, ...]] = [("", "model", "loss", "labels", "cost", "p95", "what would change that")]
    for one in routing["alternatives"]:
        loss = f"{one['expected_loss']:+.3f} ± {one['deviation']:.3f}"
        slow = "-" if one["p95_latency_ms"] is None else f"{one['p95_latency_ms']:.0f} ms"
        why = one["reason"] or one["flip"]
        rows.append((one["verdict"], one["model"], loss, str(one["labels"]), _usd(one["estimated_cost"]), slow, why))
    _table(rows)
    click.echo("")
    click.echo(f"tried       {', '.join(found['deployments'])}")


def _print_info(found: Mapping[str, Any]) -> None:
    for alias in found["aliases"]:
        click.echo(
            f"{alias['alias']}: {alias['optimize_for']}, at least {alias['min_quality']:g} of {alias['default']}"
        )
        rows: list[tuple[str, ...]] = [("  model", "USD/M in", "USD/M out", "context", "p50", "p95")]
        for one in alias["models"]:
            prices = (_plain(one["usd_per_million_input"]), _plain(one["usd_per_million_output"]))
            rows.append(
                (f"  {one['model']}", *prices, _plain(one["context_tokens"]), _plain(one["p50_latency_ms"]),
                 _plain(one["p95_latency_ms"]))
            )  # fmt: skip
        _table(rows)
    if found["gains"]:
        click.echo("")
        _print_gains(found["gains"])


def _print_gains(gains: Sequence[Mapping[str, Any]]) -> None:
    rows: list[tuple[str, ...]] = [("task", "model", "against", "loss", "labels")]
    for one in gains:
        loss = f"{one['expected_loss']:+.3f} ± {one['deviation']:.3f}"
        rows.append((one["task"], one["candidate"], one["reference"], loss, str(one["labels"])))
    _table(rows)


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _plain(value: Any) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _usd(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.6f} USD"
