"""Savings by day for a terminal of 80 columns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import click

from ..money import nano_usd
from ..recommendations.view import dollars
from ..screen.draw import clean

_HEADINGS: Final = ("", "CALLS", "COST", "CACHE", "COALESCED", "ROUTING", "SAVED")


def print_savings(found: Any) -> None:
    click.echo(f"{found['start_date']} to {found['end_date']} ({found['time_zone']})")
    if found["rows_since"] is not None:
        click.echo(_left_out(found))
    click.echo(_line(_HEADINGS))
    for day in found["days"]:
        if day["calls"]:
            click.echo(_line((day["day"], *_amounts(day))))
    click.echo(_line(("total", *_amounts(found["total"]))))
    against = found["total"]["against_baseline"]
    if against is not None:
        click.echo()
        click.echo(f"Against {clean(found['baseline'])[:60]}:")
        click.echo(f"  {against['counted_calls']} answers would have cost {_usd(against['cost_usd'])} there")
        click.echo(f"  and did cost {_usd(against['paid_usd'])}: {_difference(against['saved_nano_usd'])}")
        if against["uncounted_calls"]:
            click.echo(f"  {against['uncounted_calls']} answers are not counted: tokens, cost or price are not known")


def _left_out(found: Any) -> str:
    since = f"single calls are kept since {found['rows_since'][:16].replace('T', ' ')} UTC"
    if not found["days"]:
        return f"None of these days is in it: {since}."
    return f"Days before {found['days'][0]['day']} are not in it: {since}."


def _difference(saved: int) -> str:
    return f"{dollars(abs(saved))} {'more' if saved < 0 else 'saved'}"


def _amounts(one: Any) -> tuple[str, ...]:
    names = ("cost", "cache_saved", "coalescing_saved", "routing_saved", "saved")
    return (str(one["calls"]), *(dollars(one[f"{name}_nano_usd"]) for name in names))


def _line(cells: tuple[str, ...]) -> str:
    return f"{cells[0]:<10}{cells[1]:>9}" + "".join(f"{cell:>12}" for cell in cells[2:])


def _usd(text: str) -> str:
    return dollars(nano_usd(Decimal(text)))
