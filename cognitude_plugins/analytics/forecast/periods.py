"""Which days the current day, week, month and year have. A week begins on Monday (ISO 8601)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

PeriodName = Literal["day", "week", "month", "year"]
PERIODS: Final[tuple[PeriodName, ...]] = ("day", "week", "month", "year")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """``first`` and ``last`` are days of it."""

    name: PeriodName
    first: date
    last: date


def period(name: PeriodName, today: date) -> Period:
    if name == "week":
        monday = today - timedelta(days=today.weekday())
        return Period(name=name, first=monday, last=monday + timedelta(days=6))
    if name == "month":
        beyond = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        return Period(name=name, first=today.replace(day=1), last=beyond - timedelta(days=1))
    if name == "year":
        return Period(name=name, first=today.replace(month=1, day=1), last=today.replace(month=12, day=31))
    return Period(name=name, first=today, last=today)
