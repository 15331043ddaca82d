"""``cognitude monitor metrics``: calls, errors, latency, tokens and hits over time, on one screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rich.text import Text

from ..screen.chart import Line, line_chart
from ..screen.draw import beside, ends, fit, sparkline
from ..screen.figures import UNKNOWN, about_usd, change, count, seconds, share
from ..screen.grid import Column, table
from .series_view import group_bars, labels, lines_of_groups, note_of_points, title, values

_BESIDE: Final = 76
"""From this width on two charts are side by side."""
_MOST_CHART: Final = 18
_LEAST_CHART: Final = 5
_USUAL_HEIGHT: Final = 24

_ROWS: Final[tuple[tuple[str, str, Callable[[Any], str]], ...]] = (
    ("calls", "calls", count),
    ("errors", "error_rate", share),
    ("cache hits", "hit_rate", share),
    ("p50", "p50_seconds", seconds),
    ("p95", "p95_seconds", seconds),
    ("p99", "p99_seconds", seconds),
    ("tokens", "total_tokens", count),
    ("spent", "cost_nano_usd", about_usd),
    ("saved", "saved_nano_usd", about_usd),
)
_SHORTER: Final = ("calls", "errors", "cache hits", "p95", "tokens", "spent")
"""The rows that stay where groups want room."""
_COUNTED: Final = frozenset({"calls", "tokens", "spent", "saved"})


def metrics_screen(series: Any, width: int, height: int | None = None) -> Text:
    """Of what ``GET /analytics/series`` said."""
    total, room = series["total"], height or _USUAL_HEIGHT
    first = ends(f"Calls, {title(series)}", f"{count(total['calls'])} calls", width)
    rows = [one for one in _ROWS if series["by"] is None or one[0] in _SHORTER]
    summary = _summary(series, rows, width)
    left = room - 3 - len(rows) - 1
    if series["by"] is None:
        return Text("\n").join([first, _charts(series, width, left), Text(), summary])
    chart = max(min(left - 1 - lines_of_groups(series), _MOST_CHART), _LEAST_CHART)
    most = max(left - 1 - chart, 2) if height else 20
    shown = group_bars(series, "calls", _of_group, width, most)
    return Text("\n").join([first, _charts(series, width, chart), Text(), summary, Text(), shown])


def _charts(series: Any, width: int, height: int) -> Text:
    if width < _BESIDE:
        return _calls(series, width, min(height, _MOST_CHART) + 1)
    half = (width - 2) // 2
    chart = max(min(height, _MOST_CHART), 1)
    calls = Text("\n").join([Text(fit(note_of_points("calls"), half)), _calls(series, half, chart)])
    latency = Text("\n").join([_legend(), _latency(series, half, chart)])
    return beside(calls, latency, width)


def _calls(series: Any, width: int, height: int) -> Text:
    return line_chart([Line(values=values(series, "calls"))], width, height, labels=labels(series), write=count)


def _latency(series: Any, width: int, height: int) -> Text:
    lines = [
        Line(values=values(series, f"p{q}_seconds"), colour=colour)
        for q, colour in ((50, "green"), (95, "orange"), (99, "red"))
    ]
    return line_chart(lines, width, height, labels=labels(series), write=seconds)


def _legend() -> Text:
    return Text.assemble("latency, from below: ", ("p50", "green"), ", ", ("p95", "yellow"), ", ", ("p99", "red"))


def _summary(series: Any, rows: Any, width: int) -> Text:
    columns = (
        Column(heading=""),
        Column(heading="TOTAL", right=True, fixed=True),
        Column(heading="BEFORE", right=True, fixed=True),
        Column(heading="CHANGE", right=True, fixed=True),
        Column(heading="OVER TIME"),
    )
    total, before = series["total"], series["before"]
    told = [
        (
            label,
            write(total[field]),
            write(before[field]),
            change(total[field], before[field]) if label in _COUNTED else UNKNOWN,
        )
        for label, field, write in rows
    ]
    taken = [max(len(one[place]) for one in [*told, ("", "TOTAL", "BEFORE", "CHANGE")]) for place in range(4)]
    room = max(width - sum(taken) - 2 * 4, 0)
    lines = [
        (*one, (sparkline(values(series, field), room), "cyan")) for one, (_, field, _) in zip(told, rows, strict=True)
    ]
    return table(columns, lines, width)


def _of_group(one: Any) -> str:
    slow = "" if one["p95_seconds"] is None else f"  p95 {seconds(one['p95_seconds']):>7}"
    return f"{count(one['calls'])} calls  {share(one['error_rate']):>7} errors{slow}"
