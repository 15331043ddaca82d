"""The calendar day, week or month that a budget is in, by the clock of a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from ..local_days import begun, monday, today
from .settings import Per


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """``[start, end)`` in UTC; what has no end is a total. ``name`` is ``2026-11-29``, ``2026-W48``, ``2026-11`` or
    ``since 2026-11-01``. ``last`` is its last day.
    """

    name: str
    start: datetime
    end: datetime | None
    last: date | None

    def elapsed(self, now: datetime) -> float | None:
        """Which share of it has gone by; None of what has no end."""
        return None if self.end is None else (now - self.start) / (self.end - self.start)


def period_of(per: Per, zone: str, now: datetime, since: date | None = None) -> Period:
    """The one that ``now`` is in; ``since`` is of a total."""
    return _period(per, zone, today(now, zone), since)


@lru_cache(maxsize=4096)
def _period(per: Per, zone: str, day: date, since: date | None) -> Period:
    if per == "total":
        first = since or day
        return Period(name=f"since {first.isoformat()}", start=begun(first, zone), end=None, last=None)
    first, beyond, name = _calendar(per, day)
    return Period(name=name, start=begun(first, zone), end=begun(beyond, zone), last=beyond - timedelta(days=1))


def _calendar(per: Per, day: date) -> tuple[date, date, str]:
    """Its first day, the one after its last, and its name."""
    if per == "week":
        year, week, _ = day.isocalendar()
        return monday(day), monday(day) + timedelta(days=7), f"{year}-W{week:02}"
    if per == "month":
        first = day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1), f"{day:%Y-%m}"
    return day, day + timedelta(days=1), day.isoformat()
