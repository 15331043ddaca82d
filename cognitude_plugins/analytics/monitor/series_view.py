"""What the screens over a range have in common: its name, its labels, its groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from rich.text import Text

from ..screen.draw import Bar, bars, joined

_NAMES: Final = {
    "1h": "last hour",
    "24h": "last 24 hours",
    "today": "today",
    "7d": "last 7 days",
    "30d": "last 30 days",
    "90d": "last 90 days",
}
_STEPS: Final = {"5min": "5 minutes", "hour": "hour", "day": "day"}
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def title(series: Any) -> str:
    """``last 24 hours by hour (Europe/Berlin)``."""
    return f"{_NAMES[series['range']]} by {_STEPS[series['step']]} ({series['time_zone']})"


def name_of(series: Any) -> str:
    return _NAMES[series["range"]]


def values(series: Any, field: str) -> list[float | None]:
    return [point[field] for point in series["points"]]


def labels(series: Any) -> list[str]:
    """``14:05``, ``Mon 14:00``, ``11-30``."""
    times = [point["time"] for point in series["points"]]
    if series["step"] == "day":
        return [time[5:10] for time in times]
    if series["range"] == "7d":
        return [f"{_DAYS[datetime.fromisoformat(time).weekday()]} {time[11:16]}" for time in times]
    return [time[11:16] for time in times]


def lines_of_groups(series: Any) -> int:
    """How many `group_bars` has where all have room."""
    return 1 + max(len(series["groups"]), 1) + bool(series["groups_left_out"])


def note_of_points(what: str) -> str:
    return f"{what}; the last point is not over yet"


def group_bars(series: Any, field: str, shown: Callable[[Any], str], width: int, most: int) -> Text:
    """The largest groups by a field, in ``most`` lines, the first of which says by what."""
    groups: Sequence[Any] = series["groups"]
    kept = groups if len(groups) < most and not series["groups_left_out"] else groups[: max(most - 2, 1)]
    rows = [Bar(name=one["group"][series["by"]] or "(none)", value=one[field], shown=shown(one)) for one in kept]
    heading = Text(f"by {series['by'].removeprefix('tag:')}", "bold")
    more = len(groups) - len(kept) + series["groups_left_out"]
    lines = [heading, *bars(rows, width).split("\n")] if rows else [heading, Text("nothing")]
    return joined([*lines, *([Text(f"… {more} more", "dim")] if more else [])], width)
