"""Experiments as tables for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import click

_METRICS: Final[tuple[tuple[str, str, Callable[[float], str]], ...]] = (
    ("cost_usd", "USD per call", lambda value: f"{value:.6f}"),
    ("error_rate", "errors, %", lambda value: f"{value * 100:.2f}"),
    ("latency_seconds", "latency, s", lambda value: f"{value:.3f}"),
    ("score", "score", lambda value: f"{value:.3f}"),
)
_HEADINGS: Final = ("", "MEAN", "TO CONTROL", "95 % INTERVAL")


def print_experiments(found: Any) -> None:
    if not found["experiments"]:
        click.echo("There are no experiments.")
    for number, experiment in enumerate(found["experiments"]):
        if number:
            click.echo()
        click.echo(f"{experiment['name']}, by {experiment['by']}")
        for arm in experiment["arms"]:
            role = ", control" if arm["arm"] == experiment["control"] else ""
            whom = f"{arm['users']} {experiment['by']}s"
            click.echo(f"  {arm['arm']} (weight {arm['weight']:g}{role}): {whom}, {arm['calls']} calls")
            for row in _rows(arm):
                click.echo(f"    {row[0]:<14}{row[1]:>12}{row[2]:>14}  {row[3]:>26}".rstrip())


def _rows(arm: Any) -> Iterator[tuple[str, str, str, str]]:
    known = [(label, arm[name], write) for name, label, write in _METRICS if arm[name]["mean"] is not None]
    if known:
        yield _HEADINGS
    for label, metric, write in known:
        difference = "-" if metric["difference"] is None else _signed(metric["difference"], write)
        low, high = metric["low"], metric["high"]
        interval = "-" if low is None else f"{_signed(low, write)} to {_signed(high, write)}"
        yield label, write(metric["mean"]), difference, interval


def _signed(value: float, write: Callable[[float], str]) -> str:
    return f"{'-' if value < 0 else '+'}{write(abs(value))}"
