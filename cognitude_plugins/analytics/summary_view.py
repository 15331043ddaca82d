"""A summary of spending for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from .printed_figures import WIDTH, count, dollars, percent, plain, signed, table

_NAMES: Final = {"today": "today", "this_week": "this week", "this_month": "this month"}
_RANGES: Final = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}


def print_summary(found: Mapping[str, Any]) -> None:
    for line in lines(found):
        click.echo(line)


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"Spending of {plain(found['organization'])} ({plain(found['time_zone'])})"[:WIDTH]
    yield ""
    rows = [
        [
            _NAMES[one["name"]],
            count(one["spent"]["calls"]),
            dollars(one["spent"]["cost_usd"]),
            dollars(one["before"]["cost_usd"]),
            signed(one["change"]),
            dollars(one["spent"]["saved_usd"]),
            percent(one["spent"]["hit_rate"]),
        ]
        for one in found["spans"]
    ]
    yield from table(("", "CALLS", "USD", "BEFORE", "CHANGE", "SAVED", "HIT %"), rows, 1)
    yield ""
    yield "BEFORE is as much of the day, week or month before."
    for heading, name in (("MODEL", "models"), ("KEY", "keys")):
        yield ""
        yield from table((heading, "CALLS", "TOKENS", "USD", "SAVED", "ERR %", "HIT %"), _top(found, name), 1)
    total = found["total"]
    yield ""
    yield (
        f"The last {_RANGES[found['range']]}: {count(total['calls'])} calls, {dollars(total['cost_usd'])} USD, "
        f"{dollars(total['saved_usd'])} USD saved."
    )
    if total["unpriced"]:
        yield f"Of {count(total['unpriced'])} calls the cost is not known."


def _top(found: Mapping[str, Any], name: str) -> list[list[str]]:
    return [
        [
            plain(one["name"]),
            count(one["calls"]),
            count(one["total_tokens"]),
            dollars(one["cost_usd"]),
            dollars(one["saved_usd"]),
            percent(one["error_rate"]),
            percent(one["hit_rate"]),
        ]
        for one in found[name]
    ]
