"""Recommendations for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from typing import Any, Final

import click

from ..screen.draw import clean
from .finding import TITLES

_WIDTH: Final = 80


def print_recommendations(found: Any) -> None:
    days = "day" if found["days"] == 1 else f"{found['days']:.3g} days"
    calls = "1 paid call" if found["calls"] == 1 else f"{found['calls']} paid calls"
    looked_at = f"{calls} of the last {days} {'was' if found['calls'] == 1 else 'were'} looked at."
    if not found["recommendations"]:
        click.echo(f"Nothing to recommend: {looked_at}")
        _note(found)
        return
    total = dollars(found["total_potential_savings_nano_usd"])
    click.echo(f"{clean(found['organization'])}: {total} a month could be saved.")
    click.echo(looked_at)
    _note(found)
    for number, one in enumerate(found["recommendations"], 1):
        click.echo()
        _print(number, one)


def _note(found: Any) -> None:
    sampled = found.get("sampled", 1)
    if sampled > 1:
        click.echo(f"One prompt in {sampled} was looked at: there are many. All figures are estimates.")
    known, calls = found["fingerprinted_calls"], found["calls"]
    if known < calls:
        click.echo(f"Of {calls - known} calls the prompt has no fingerprint: repeats among them are not seen.")


def _print(number: int, one: Any) -> None:
    saving = f"{dollars(one['saving_nano_usd'])} a month"
    title = f"{number}. {TITLES.get(one['kind'], one['kind'])}"
    click.echo(f"{title:<{_WIDTH - len(saving)}}{saving}")
    span = f"{dollars(one['low_nano_usd'])} to {dollars(one['high_nano_usd'])}"
    click.echo(f"   from {span}; {dollars(one['counted_nano_usd'])} of it in the total")
    for line in textwrap.wrap(clean(one["summary"]), _WIDTH - 3):
        click.echo(f"   {line}")
    evidence = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in _evidence(one["evidence"]))
    for line in textwrap.wrap(clean(evidence), _WIDTH - 3):
        click.echo(f"   {line}")
    if one["examples"]:
        click.echo(f"   for example {', '.join(map(str, one['examples']))}")
    for line in one["change"].splitlines():
        click.echo(f"     {clean(line)}")


def _evidence(found: Any) -> list[tuple[str, str]]:
    """Nano-dollars as dollars."""
    shown = []
    for name, value in found.items():
        money = name.endswith("_nano_usd")
        shown.append((name.removesuffix("_nano_usd") if money else name, dollars(value) if money else str(value)))
    return shown


def dollars(nano_usd: int) -> str:
    """To the cent."""
    return f"{'-' if nano_usd < 0 else ''}${abs(nano_usd) / 1e9:,.2f}"
