"""Budgets as a table for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import click

from ..dollars import about_usd

_WIDTH: Final = 80
_GAP: Final = "  "
_HEADINGS: Final = ("BUDGET", "SPENT", "AMOUNT", "%", "FORECAST", "STATE")


def print_budgets(found: Sequence[Any]) -> None:
    """With what is to be known of some of them below the table."""
    if not found:
        click.echo("There are no budgets.")
        return
    rows = [_row(one) for one in found]
    widths = [max(len(line[place]) for line in (_HEADINGS, *rows)) for place in range(len(_HEADINGS))]
    rest = sum(width + len(_GAP) for width in widths[1:])
    widths[0] = max(8, min(widths[0], _WIDTH - rest))
    for line in (_HEADINGS, *rows):
        cells = [_cut(line[0], widths[0]).ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:-1], widths[1:-1], strict=True)]
        click.echo(_GAP.join([*cells, line[-1]]).rstrip())
    for text in dict.fromkeys(_noted(found)):
        click.echo(text)


def _row(one: Any) -> tuple[str, ...]:
    standing = one["standing"] or {}
    hard = ", hard" if one["hard"] else ""
    spent, percent = standing.get("spent_usd"), standing.get("percent")
    return (
        _plain(_name(one)),
        _about(spent),
        _about(one["amount_usd"]),
        "-" if percent is None else f"{percent:g}",
        _about(standing.get("forecast_usd")),
        f"{standing.get('state', '-')}{hard}",
    )


def _name(one: Any) -> str:
    """``marketing: key k1 per month``."""
    whose = one["scope"] if one["scope"] == "organization" else f"{one['scope']} {one['value']}"
    when = f"since {one['since']}" if one["per"] == "total" else f"per {one['per']}"
    of = f"{one['of']} " if one["scope"] == "organization" and one["of"] else ""
    return f"{one['name']}: {of if of else whose + ' '}{when}"


def _noted(found: Sequence[Any]) -> list[str]:
    notes = []
    for one in found:
        standing = one["standing"] or {}
        if standing.get("exhausted_on"):
            notes.append(f"{_plain(one['name'])} will be used up on {standing['exhausted_on']}.")
        if standing.get("unanswerable"):
            notes.append(f"{_plain(one['name'])}: {_plain(standing['unanswerable'])}")
    return [*notes, *(f"Warning: {one['warning']}" for one in found if one["warning"])]


def _about(dollars: str | None) -> str:
    return "-" if dollars is None else about_usd(int(Decimal(dollars).scaleb(9)))


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
