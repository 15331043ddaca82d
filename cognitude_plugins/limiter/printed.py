"""Limits and counters as tables for a terminal of 80 columns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import click

Justify = Callable[[str, int], str]

_WIDTH: Final = 80
_GAP: Final = "  "
_BY: Final = {"configuration": "plugins.yaml", "operator": "gateway admin", "organization": "organization"}


def print_usage(found: Any) -> None:
    if not found["limits"]:
        click.echo("There are no limits.")
        return
    rows = [
        (
            _named(one, one["subject"]),
            _amount(one["unit"], one["used"]),
            _amount(one["unit"], one["remaining"]),
            _until(one["reset"]),
        )
        for one in found["limits"]
    ]
    _print_table(("LIMIT", "USED", "LEFT", "RESETS"), rows, str.rjust)


def print_config(found: Any) -> None:
    if not found["limits"]:
        click.echo("There are no limits.")
        return
    rows = [(_named(one, one["key"] or ""), _kind(one), _BY[one["origin"]]) for one in found["limits"]]
    _print_table(("LIMIT", "WINDOW", "SET BY"), rows, str.ljust)


def _print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], justify: Justify) -> None:
    """The first column is cut where a line would be too long; ``justify`` is for the others."""
    others = [max(len(line[column]) for line in (headings, *rows)) for column in range(1, len(headings))]
    room = _WIDTH - sum(width + len(_GAP) for width in others)
    first = min(room, max(len(line[0]) for line in (headings, *rows)))
    for line in (headings, *rows):
        cells = [justify(cell, width) for cell, width in zip(line[1:], others, strict=True)]
        click.echo(_GAP.join([_cut(line[0], first).ljust(first), *cells]).rstrip())


def _named(one: Any, subject: str) -> str:
    """``key abc: 25 USD per day of gpt-*``."""
    whose = one["scope"] if not subject or one["scope"] == "global" else f"{one['scope']} {subject}"
    unit = {"cost_usd": "USD", "concurrency": "calls under way"}.get(one["unit"], one["unit"])
    per = " in all" if one["per"] == "total" else f" per {one['per']}" if one["per"] else ""
    if one.get("budget"):
        whose = f"budget {one['budget']} of {whose}"
    models = f" of {', '.join(one['models'])}" if one["models"] else ""
    return _plain(f"{whose}: {_number(one['limit'])} {unit}{per}{models}")


def _kind(one: Any) -> str:
    if one["unit"] == "concurrency":
        return "-"
    burst = f" of {_number(one['burst'])}" if one["burst"] else ""
    return f"{one['window']}{burst}"


def _amount(unit: str, value: float) -> str:
    """Dollars to the hundredth of a cent; large numbers short, as `cognitude usage` writes them."""
    if unit == "cost_usd":
        return f"{value:.4f}"
    for letter, size in (("T", 10**12), ("G", 10**9), ("M", 10**6)):
        if value >= size:
            return f"{value / size:.1f}{letter}"
    return str(value)


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _until(seconds: int | None) -> str:
    """In its two largest units."""
    if seconds is None:
        return "-"
    left = max(0, seconds - int(time.time()))
    parts = [(left // 86_400, "d"), (left % 86_400 // 3600, "h"), (left % 3600 // 60, "min"), (left % 60, "s")]
    while len(parts) > 1 and not parts[0][0]:
        del parts[0]
    return "in " + " ".join(f"{count} {unit}" for count, unit in parts[:2])


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
