"""What will have been spent at the end of a period, if it goes on as in the last days. No model: one division.

``forecast = spent so far + pace * time that is left``, where the pace is the mean of the last 14, 7 or 3 whole days of
UTC: the most of them before which there were calls already, so that a key made last week is not taken for one that
was idle before. Whole weeks have each day of the week as often as the others. Where there were no calls more than 3
days ago, the pace is that of the period itself, once 30 % of it are over. Else there is no forecast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final

from hooks import Sums

from ..local_days import today
from .period import Period

LOOKS: Final = (28, 14, 7, 3)
"""Days of which the sums are asked for. Of the longest only whether there was something before the next."""
ENOUGH: Final = 0.3
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Projection:
    """``nano_usd`` at the end of the period, and the day on which the amount will have been spent, if it will."""

    nano_usd: int
    exhausted_on: date | None


def looks(now: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """The times of `LOOKS`: whole days of UTC before the one of ``now``."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return tuple((midnight - days * _DAY, midnight) for days in LOOKS)


def pace_of(sums: Mapping[int, Sums]) -> float | None:
    """Nano-dollars a day, of sums by days looked back; None when the calls do not go back 3 days."""
    for longer, days in pairwise(LOOKS):
        if sums[longer].calls > sums[days].calls:
            return sums[days].cost_nano_usd / days
    return None


def own_pace(spent: int, period: Period, now: datetime) -> float | None:
    """That of the period itself, where enough of it is over."""
    elapsed = period.elapsed(now)
    return None if elapsed is None or elapsed < ENOUGH else spent / ((now - period.start) / _DAY)


def pace_to(forecast: int, spent: int, period: Period, now: datetime) -> float | None:
    """That which leads to somebody else's forecast."""
    left = _days_left(period, now)
    return max(0, forecast - spent) / left if left else None


def projected(
    spent: int, amount: int, pace: float | None, period: Period, now: datetime, zone: str
) -> Projection | None:
    """None without a pace, and of what has no end."""
    left = _days_left(period, now)
    if pace is None or left is None:
        return None
    forecast = spent + round(pace * left)
    if spent >= amount or forecast <= amount or pace <= 0:
        return Projection(forecast, None)
    day = today(now + _DAY * min(left, (amount - spent) / pace), zone)
    return Projection(forecast, day if period.last is None else min(day, period.last))


def _days_left(period: Period, now: datetime) -> float | None:
    return None if period.end is None else max(0.0, (period.end - now) / _DAY)
