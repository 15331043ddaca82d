"""A breakdown as a table for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from ..screen.draw import fit
from ..screen.figures import UNKNOWN, about_usd, count, seconds, share
from ..screen.grid import Column, table

WIDTH: Final = 80

_METRICS_BESIDE: Final = 3
_LONGEST_METRIC: Final = 18
_Write = Callable[[Mapping[str, Any]], str]
_FIGURES: Final[tuple[tuple[Column, _Write], ...]] = (
    (Column(heading="CALLS", right=True, fixed=True), lambda one: count(one["calls"])),
    (Column(heading="TOKENS", right=True, fixed=True, spare=3), lambda one: count(one["total_tokens"])),
    (Column(heading="COST", right=True, fixed=True), lambda one: about_usd(one["cost_nano_usd"])),
    (Column(heading="SAVED", right=True, fixed=True, spare=1), lambda one: about_usd(one["saved_nano_usd"])),
    (Column(heading="ERRORS", right=True, fixed=True), lambda one: share(one["error_rate"])),
    (Column(heading="HITS", right=True, fixed=True, spare=2), lambda one: share(one["hit_rate"])),
    (Column(heading="P95", right=True, fixed=True), lambda one: seconds(one["p95_seconds"])),
)


def breakdown_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Lines without their ends, in plain text. Metrics are in tables of their own below."""
    dimensions: list[str] = found["group_by"]
    names = [Column(heading=name.upper()) for name in dimensions]
    yield fit(
        f"{found['organization']}, {found['start_date']} to {found['end_date']} ({found['time_zone']})", WIDTH
    ).rstrip()
    yield ""
    columns, write = zip(*_FIGURES, strict=True)
    yield from _lines(table((*names, *columns), list(_rows(found, write)), WIDTH))
    if found["total"]["unpriced"]:
        yield ""
        yield f"Calls whose cost is not known: {count(found['total']['unpriced'])}"
    metrics = list(found["total"]["metrics"])
    for start in range(0, len(metrics), _METRICS_BESIDE):
        some = metrics[start : start + _METRICS_BESIDE]
        yield ""
        beside = [Column(heading=fit(name, _LONGEST_METRIC).rstrip(), right=True, fixed=True) for name in some]
        yield from _lines(table((*names, *beside), list(_rows(found, [_metric(name) for name in some])), WIDTH))


def _rows(found: Mapping[str, Any], write: Sequence[_Write]) -> Iterator[list[str]]:
    """Of each group, of the others together, and of all."""
    dimensions: list[str] = found["group_by"]
    empty = [""] * (len(dimensions) - 1)
    for one in found["data"]:
        yield [*(_named(name, one["group"][name]) for name in dimensions), *(each(one) for each in write)]
    if found["other"] is not None:
        yield [f"{found['other']['groups']} others", *empty, *(each(found["other"]) for each in write)]
    yield ["all", *empty, *(each(found["total"]) for each in write)]


def _named(dimension: str, value: str) -> str:
    return value.replace("T", " ") if dimension == "hour" else value or UNKNOWN


def _metric(name: str) -> _Write:
    def write(figures: Mapping[str, Any]) -> str:
        value = figures["metrics"][name]
        return UNKNOWN if value is None else f"{value:.6g}"

    return write


def _lines(drawn: Text) -> Iterator[str]:
    yield from drawn.plain.split("\n")
