"""How much of a day's spend is over at an hour of the day: offices do not spend by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

_CLOCK_DAYS: Final = 2.0
"""For how many days it counts that all hours are alike."""


def share_over(hours: Mapping[tuple[date, int], int], now: datetime) -> float:
    """0 … 1, from what was spent in each hour (0 … 23, of the zone ``now`` is in) of whole days before.

    Each day counts the same, whatever it cost. Within an hour the clock counts. On the two days a year on which clocks
    are changed it is off by an hour.
    """
    days: dict[date, list[int]] = {}
    for (day, hour), cost in hours.items():
        if day < now.date() and cost > 0:
            days.setdefault(day, [0] * 24)[hour] += cost
    parts = [_CLOCK_DAYS / 24] * 24
    for costs in days.values():
        total = sum(costs)
        parts = [part + cost / total for part, cost in zip(parts, costs, strict=True)]
    passed = (now.minute + now.second / 60) / 60
    over = sum(parts[: now.hour]) + parts[now.hour] * passed
    return min(over / (_CLOCK_DAYS + len(days)), 1.0)
