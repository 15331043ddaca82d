"""``cognitude usage``: what was used and spent, as a table."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import click

from . import config_option, json_option, print_json

_BY: Final = ("day", "model", "provider", "user", "key", "organization")
_COLUMNS: Final = (
    ("CALLS", "calls"),
    ("ERRORS", "errors"),
    ("INCOMPLETE", "incomplete"),
    ("HITS", "cache_hits"),
    ("TOKENS IN", "prompt_tokens"),
    ("CACHED", "cached_tokens"),
    ("OUT", "completion_tokens"),
    ("REASONING", "reasoning_tokens"),
    ("USD", "cost_nano_usd"),
    ("SAVED USD", "saved_nano_usd"),
)
_IF_ANY: Final = frozenset({"incomplete", "cached_tokens", "reasoning_tokens", "saved_nano_usd"})
"""Left out where there is none, to stay within 80 columns."""
_LONGEST_NAME: Final = 24


@click.command("usage")
@click.option("--organization", metavar="ID", help="Only this organization; by default all together.")
@click.option("--from", "start", metavar="DATE", help="First day, of UTC; by default 29 days before the last.")
@click.option("--to", "end", metavar="DATE", help="Last day, included; by default today.")
@click.option("--by", type=click.Choice(_BY), default="day", show_default=True, help="What each line is of.")
@config_option
@json_option
def command(organization: str | None, start: str | None, end: str | None, by: str, config: Path, as_json: bool) -> None:
    """What was used and spent, of one organization or of all.

    USD are those of the calls whose cost is known.
    """
    from cognitude_plugins.gateway.ledger.period import Period, WrongQuery
    from cognitude_plugins.gateway.ledger.reader import Reader
    from cognitude_plugins.gateway.ledger.usage_report import report

    from .ledger_database import open_ledger

    try:
        period = Period.of(start, end, datetime.now(UTC).date(), names=("--from", "--to"))
    except WrongQuery as wrong:
        raise click.UsageError(str(wrong)) from None
    with open_ledger(config, os.environ, organization) as storage:
        asked = Reader(storage).usage_across(organization, since=period.since, until=period.until, group_by=(by,))
        found = report(asyncio.run(asked), period, by)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Mapping[str, Any]) -> None:
    """Numbers to the right; a line of totals at the end, and one on what is not in them."""
    by, total = found["group_by"], found["total"]
    shown = [(heading, name) for heading, name in _COLUMNS if name not in _IF_ANY or _any(found, name)]
    names = [name for _, name in shown]
    lines = [(by.upper(), *(heading for heading, _ in shown))]
    lines += [(_short(one["group"][by] or "-"), *_cells(one, names)) for one in found["data"]]
    lines.append(("total", *_cells(total, names)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        numbers = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        click.echo("  ".join([line[0].ljust(widths[0]), *numbers]))
    if total["unpriced_calls"]:
        click.echo(f"The cost of {total['unpriced_calls']} calls is not known.")


def _any(found: Mapping[str, Any], name: str) -> bool:
    return any(one[name] for one in found["data"])


def _cells(amounts: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [_usd(amounts[name]) if name.endswith("nano_usd") else _count(amounts[name]) for name in names]


def _count(number: int) -> str:
    """Whole up to six digits: a line has 80 columns."""
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6)):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return str(number)


def _usd(nano: int) -> str:
    """To the millionth, rounded half to even."""
    return f"{Decimal(nano).scaleb(-9):z.6f}"


def _short(name: str) -> str:
    """Without what would change the terminal, and not longer than a line has room for."""
    plain = "".join(char if char.isprintable() else "?" for char in name)
    return plain if len(plain) <= _LONGEST_NAME else f"{plain[: _LONGEST_NAME - 1]}…"
