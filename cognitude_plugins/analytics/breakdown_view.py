"""A breakdown as a table for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import click

from .printed_figures import NOTHING, WIDTH, count, dollars, percent, plain, seconds, table

_COLUMNS: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...]] = (
    ("CALLS", lambda one: count(one["calls"])),
    ("TOKENS", lambda one: count(one["total_tokens"])),
    ("USD", lambda one: dollars(one["cost_usd"])),
    ("SAVED", lambda one: dollars(one["saved_usd"])),
    ("ERR %", lambda one: percent(one["error_rate"])),
    ("HIT %", lambda one: percent(one["hit_rate"])),
    ("P95 s", lambda one: seconds(one["p95_seconds"])),
)


def print_breakdown(found: Mapping[str, Any]) -> None:
    for line in lines(found):
        click.echo(line)


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    dimensions = found["group_by"]
    yield f"{found['start_date']} to {found['end_date']} ({plain(found['time_zone'])}), {plain(found['organization'])}"[
        :WIDTH
    ]
    yield ""
    rows = [[*(plain(_group(one, name)) for name in dimensions), *_cells(one)] for one in found["data"]]
    empty = [""] * (len(dimensions) - 1)
    if found["other"] is not None:
        rows.append([f"({found['other']['groups']} others)", *empty, *_cells(found["other"])])
    rows.append(["total", *empty, *_cells(found["total"])])
    headings = [plain(name).upper() for name in dimensions] + [heading for heading, _ in _COLUMNS]
    yield from table(headings, rows, len(dimensions))
    if found["total"]["unpriced"]:
        yield ""
        yield f"Of {count(found['total']['unpriced'])} calls the cost is not known."
    yield from _metrics(found, dimensions)


def _group(one: Mapping[str, Any], name: str) -> str:
    value: str = one["group"][name]
    # The date is in each of them, the offset where it tells two hours apart.
    return f"{value[:13]}h{value[16:]}" if name == "hour" else value


def _cells(figures: Mapping[str, Any]) -> list[str]:
    return [write(figures) for _, write in _COLUMNS]


def _metrics(found: Mapping[str, Any], dimensions: list[str]) -> Iterator[str]:
    """A table of their own: there is no room beside the others."""
    names = list(found["total"]["metrics"])
    for start in range(0, len(names), 3):
        some = names[start : start + 3]
        rows = [
            [*(plain(_group(one, name)) for name in dimensions), *(_metric(one, name) for name in some)]
            for one in found["data"]
        ]
        rows.append(["total", *[""] * (len(dimensions) - 1), *(_metric(found["total"], name) for name in some)])
        yield ""
        headings = [plain(name).upper() for name in dimensions]
        yield from table([*headings, *(name[:20] for name in some)], rows, len(dimensions))


def _metric(figures: Mapping[str, Any], name: str) -> str:
    value = figures["metrics"][name]
    return NOTHING if value is None else f"{value:.6g}"
