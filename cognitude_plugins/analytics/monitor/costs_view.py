"""``cognitude monitor costs``: what was spent and saved over time, today, and by whom or what, on one screen."""

from __future__ import annotations

from typing import Any, Final

from rich.text import Text

from ..screen.chart import Line, line_chart
from ..screen.draw import ends, fit
from ..screen.figures import about_usd, change, count, exact_usd
from ..screen.grid import Column, table
from .series_view import group_bars, labels, lines_of_groups, name_of, note_of_points, title, values

_USUAL_HEIGHT: Final = 24
_MOST_CHART: Final = 18
_LEAST_CHART: Final = 5
_COLUMNS: Final = (
    Column(heading=""),
    Column(heading="SPENT", right=True, fixed=True),
    Column(heading="BEFORE", right=True, fixed=True),
    Column(heading="CHANGE", right=True, fixed=True),
    Column(heading="SAVED", right=True, fixed=True),
    Column(heading="CALLS", right=True),
)


def costs_screen(series: Any, today: Any, width: int, height: int | None = None) -> Text:
    """Of what ``GET /analytics/series`` said of a range, and of ``today``."""
    total, room = series["total"], height or _USUAL_HEIGHT
    first = ends(f"Spent, {title(series)}", exact_usd(total["cost_nano_usd"]), width)
    ranges = [today, series] if series["range"] != "today" else [series]
    summary = table(_COLUMNS, [_told(one) for one in ranges], width)
    note = _unpriced(total["unpriced"], width)
    left = room - 1 - 1 - 1 - 1 - len(ranges) - len(note) - 1
    chart = max(min(left - lines_of_groups(series), _MOST_CHART), _LEAST_CHART)
    shown = group_bars(series, "cost_nano_usd", _of_group, width, max(left - chart, 2) if height else 20)
    what = Text(fit(note_of_points("USD"), width).rstrip())
    return Text("\n").join([first, what, _chart(series, width, chart), Text(), summary, *note, Text(), shown])


def _chart(series: Any, width: int, height: int) -> Text:
    spent = Line(values=values(series, "cost_nano_usd"), colour="green")
    return line_chart([spent], width, height, labels=labels(series), write=lambda nano: about_usd(round(nano)))


def _told(series: Any) -> tuple[str, ...]:
    total, before = series["total"], series["before"]
    return (
        name_of(series),
        about_usd(total["cost_nano_usd"]),
        about_usd(before["cost_nano_usd"]),
        change(total["cost_nano_usd"], before["cost_nano_usd"]),
        about_usd(total["saved_nano_usd"]),
        count(total["calls"]),
    )


def _unpriced(calls: int, width: int) -> list[Text]:
    said = f"Calls whose cost is not known, which are not in these sums: {count(calls)}"
    return [Text(fit(said, width).rstrip(), "yellow")] if calls else []


def _of_group(one: Any) -> str:
    return f"{about_usd(one['cost_nano_usd'])}  {count(one['calls']):>7} calls"
