"""``cognitude replay``: recorded calls through a changed configuration."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import click

from . import CONFIG_VARIABLE, json_option, print_json
from .spans import moment_ms, span_ms

_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_NOT_MADE: Final = 2
_SINCE: Final = "7d"
_BEGINNING: Final = "1970-01-01"
_END_MS: Final = 2**62
_MOST_PERCENT: Final = 10**9


@click.command("replay")
@click.option("--config", "config", type=_FILE, required=True, metavar="FILE", help="The configuration to be tried.")
@click.option(
    "--since",
    metavar="TIME",
    help="From then on: 7d, 24h, 2026-11-30; by default 7d, of a file of requests its beginning.",
)
@click.option("--until", metavar="TIME", help="Up to then; by default now, of a file of requests its end.")
@click.option("--organization", metavar="ID", help="Only the calls of this organization.")
@click.option(
    "--baseline", type=_FILE, metavar="FILE", help="Compare with this configuration, played too, not with the ledger."
)
@click.option(
    "--recorded-by",
    type=_FILE,
    metavar="FILE",
    help="The configuration of the gateway that wrote the ledger; by default COGNITUDE_CONFIG, plugins.yaml, or FILE.",
)
@click.option("--requests", type=_FILE, metavar="FILE", help="Play requests of this file, one JSON object a line.")
@click.option(
    "--warm-up", metavar="SPAN", default="24h", show_default=True, help="Play so much before --since, uncounted."
)
@click.option("--max-cost-increase", metavar="PERCENT", help="Exit with 1 if the cost rises by more, as in 5%.")
@click.option("--max-newly-refused", type=click.IntRange(min=0), help="Exit with 1 if more calls are refused anew.")
@click.option("--max-differences", type=click.IntRange(min=0), help="Exit with 1 if more calls are decided otherwise.")
@json_option
@click.pass_context
def command(ctx: click.Context, /, as_json: bool, max_cost_increase: str | None, **given: Any) -> None:
    """Play recorded calls through another configuration: what would have changed, and what it would have cost.

    The plugins are the real ones, with a clock that is set to the time of the recording. No provider is called, and
    nothing of the installation is written. Tokens, latencies and failures are those of the recording. Where another
    deployment answers, its price is taken and the tokens stay: the range says what a quarter more or less of the answer
    would come to. Exit code 1: more than one of the limits allows; 2: the replay could not be made, or there is a limit
    and no call was played.
    """
    most_percent = None if max_cost_increase is None else _percent(max_cost_increase)
    report = made(order_of(**given))
    broken = exceeded(report, most_percent, given["max_newly_refused"], given["max_differences"])
    if as_json:
        print_json({**report, "exceeded": broken})
    else:
        from .replayed import show

        show(report)
        for one in broken:
            click.echo(one, err=True)
    limits = (most_percent, given["max_newly_refused"], given["max_differences"])
    if not report["calls"] and any(one is not None for one in limits):
        click.echo("Error: no call was played, so that nothing is known of the limits", err=True)
        ctx.exit(_NOT_MADE)
    ctx.exit(1 if broken else 0)


def order_of(
    *,
    config: Path,
    since: str | None,
    until: str | None = None,
    organization: str | None = None,
    baseline: Path | None = None,
    recorded_by: Path | None = None,
    requests: Path | None = None,
    warm_up: str = "24h",
    may_be_new: bool = False,
    **_limits: Any,
) -> Any:
    """What is to be replayed. Raises `click.UsageError`."""
    from cognitude_plugins.gateway.replay.order import Order

    now_ms = time.time_ns() // 1_000_000
    first, last = (_SINCE, now_ms) if requests is None else (_BEGINNING, _END_MS)
    since_ms = moment_ms("--since", since or first, now_ms)
    until_ms = last if until is None else moment_ms("--until", until, now_ms)
    if until_ms <= since_ms:
        raise click.UsageError("--until is not after --since")
    present = recorded_by or baseline or _present(config)
    if requests is not None:
        baseline = baseline or present
    return Order(
        config=config,
        recorded_by=present,
        baseline=baseline,
        since_ms=since_ms,
        until_ms=until_ms,
        warm_up_ms=span_ms("--warm-up", warm_up),
        organization=organization,
        requests=requests,
        folder=Path(),
        progress=sys.stderr.isatty(),
        may_be_new=may_be_new,
    )


def made(order: Any) -> dict[str, Any]:
    """The report; what keeps it from being made is said, and ends the command."""
    from cognitude_plugins.gateway.replay.ordered import Failed, ordered

    try:
        return ordered(order)
    except Failed as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(_NOT_MADE)


def exceeded(
    report: Mapping[str, Any], percent: Decimal | None, newly_refused: int | None, differences: int | None
) -> list[str]:
    """Which of the limits, in words."""
    cost, refused, found = report["cost"], report["refused"]["newly"], []
    if percent is not None and Decimal(cost["change_usd"]) * 100 > Decimal(cost["before_usd"]) * percent:
        found.append(f"--max-cost-increase {percent:g}%: the cost changes by {cost['change_usd']} USD")
    if newly_refused is not None and refused > newly_refused:
        found.append(f"--max-newly-refused {newly_refused}: {refused} calls are newly refused")
    if differences is not None and report["differences"] > differences:
        found.append(f"--max-differences {differences}: {report['differences']} calls are decided otherwise")
    return found


def _present(config: Path) -> Path:
    """The configuration that is in force here, if there is one."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    return Path("plugins.yaml") if Path("plugins.yaml").is_file() else config


def _percent(text: str) -> Decimal:
    """Raises `click.BadParameter`, also for what is not finite or beyond all use."""
    try:
        found = Decimal(text.removesuffix("%"))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found) > _MOST_PERCENT:
        raise click.BadParameter(f"{text!r} is no percentage, as in 5%", param_hint="--max-cost-increase")
    return found
