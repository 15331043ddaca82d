"""Periods of the calendar in a time zone: the day, the week from Monday, the month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ..lifecycle.quiet import zone_of
from .metrics import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """``name`` is the period's: ``2026-11-29``, ``2026-W48``, ``2026-11``; empty of a window of a fixed length."""

    since: datetime
    until: datetime
    name: str = ""

    @property
    def minutes(self) -> float:
        return (self.until - self.since) / timedelta(minutes=1)


@lru_cache(maxsize=4096)
def so_far(period: Period, zone: str, due: datetime) -> Stretch:
    """The period in which ``due`` lies, up to it; at its very end it is all of it, not nothing of the next."""
    local = (due - timedelta(microseconds=1)).astimezone(zone_of(zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "week":
        year, week, _ = local.isocalendar()
        start, name = midnight - timedelta(days=local.weekday()), f"{year}-W{week:02}"
    elif period == "month":
        start, name = midnight.replace(day=1), f"{local:%Y-%m}"
    else:
        start, name = midnight, f"{local:%Y-%m-%d}"
    return Stretch(since=start.astimezone(UTC), until=due, name=name)
