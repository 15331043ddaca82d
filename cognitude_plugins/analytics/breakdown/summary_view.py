"""A summary of spending for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from ..money import nano_usd
from ..screen.draw import fit
from ..screen.figures import UNKNOWN, about_usd, change, count, share
from ..screen.grid import Column, table

WIDTH: Final = 80

_NAMES: Final = {"today": "today", "this_week": "this week", "this_month": "this month"}
_RANGES: Final = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}
_RIGHT: Final = ("CALLS", "COST", "BEFORE", "CHANGE", "SAVED", "HITS", "TOKENS", "ERRORS")


def summary_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Lines without their ends, in plain text."""
    yield fit(f"Spending of {found['organization']} ({found['time_zone']})", WIDTH).rstrip()
    yield ""
    yield from _table(("", "CALLS", "COST", "BEFORE", "CHANGE", "SAVED", "HITS"), map(_span, found["spans"]))
    yield ""
    yield "BEFORE is as much of the day, week or month before."
    for heading, name in (("MODEL", "models"), ("KEY", "keys")):
        yield ""
        yield from _table((heading, "CALLS", "TOKENS", "COST", "SAVED", "ERRORS", "HITS"), map(_top, found[name]))
    total = found["total"]
    yield ""
    spent, saved = _about(total["cost_usd"]), _about(total["saved_usd"])
    yield f"The last {_RANGES[found['range']]}: {count(total['calls'])} calls, {spent} spent, {saved} saved."
    if total["unpriced"]:
        yield f"Calls whose cost is not known: {count(total['unpriced'])}"


def _span(one: Mapping[str, Any]) -> list[str]:
    spent, before = one["spent"], one["before"]
    return [
        _NAMES[one["name"]],
        count(spent["calls"]),
        _about(spent["cost_usd"]),
        _about(before["cost_usd"]),
        change(float(spent["cost_usd"]), float(before["cost_usd"])),
        _about(spent["saved_usd"]),
        share(spent["hit_rate"]),
    ]


def _top(one: Mapping[str, Any]) -> list[str]:
    return [
        one["name"] or UNKNOWN,
        count(one["calls"]),
        count(one["total_tokens"]),
        _about(one["cost_usd"]),
        _about(one["saved_usd"]),
        share(one["error_rate"]),
        share(one["hit_rate"]),
    ]


def _about(dollars: str) -> str:
    return about_usd(nano_usd(Decimal(dollars)))


def _table(headings: tuple[str, ...], rows: Iterator[list[str]]) -> Iterator[str]:
    columns = [Column(heading=one, right=one in _RIGHT, fixed=one in _RIGHT) for one in headings]
    yield from table(columns, list(rows), WIDTH).plain.split("\n")
