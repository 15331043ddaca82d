"""What the current day, week, month and year will cost, and the days ahead; or why that cannot be said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from .budget import RunOut, run_out
from .conformal import Table
from .daily import Daily, whole_days
from .day_share import share_over
from .past import LEAST_DAYS, Interval, Kept, Past
from .periods import PERIODS, Period, PeriodName, period
from .prospect import Prospect, Today, prospect
from .spending import Spending

KEPT_DAYS: Final = (1, 7, 30)
"""Lengths of the intervals whose past is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``days`` after today that are listed; ``budget`` in nano-dollars, of the current ``period``."""

    level: float
    days: int
    period: PeriodName = "month"
    budget: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Of a whole period: what was ``spent`` of it so far in nano-dollars, and with it what it comes to."""

    period: Period
    spent: int
    whole: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """``reason`` says why there is no ``prospect``; then there are no ``totals`` either."""

    history: Daily
    reason: str | None
    prospect: Prospect | None
    totals: Mapping[PeriodName, Total]
    kept: tuple[Kept, ...]
    budget_spent: int = 0
    run_out: RunOut | None = None


def forecast(spending: Spending, table: Table, asked: Asked) -> Forecast:
    today = spending.today
    history = whole_days(spending.days, since=spending.since, today=today)
    reason = _reason(history)
    ahead = max(asked.days, *((period(name, today).last - today).days for name in PERIODS))
    past = Past(history, table, most=max(ahead + 1, KEPT_DAYS[-1]))
    found = None if reason else _prospect(spending, past, ahead, asked.level)
    wanted = period(asked.period, today)
    return Forecast(
        history=history,
        reason=reason,
        prospect=found,
        totals={name: _total(spending, period(name, today), found) for name in PERIODS} if found else {},
        kept=tuple(past.kept(days, asked.level) for days in KEPT_DAYS),
        budget_spent=_spent(spending, wanted),
        run_out=None if asked.budget is None else run_out(asked.budget, wanted, spending.days, today, found),
    )


def _reason(history: Daily) -> str | None:
    if len(history) < LEAST_DAYS:
        return (
            f"{len(history)} whole days of spend are known, and a forecast needs {LEAST_DAYS}. "
            "The first day with spend and today do not count: they are not whole."
        )
    if not any(history.spend):
        return f"Nothing was spent on the {len(history)} days before today."
    return None


def _prospect(spending: Spending, past: Past, ahead: int, level: float) -> Prospect:
    today = Today(spent=spending.days.get(spending.today, 0), over=share_over(spending.hours, spending.now))
    return prospect(past, past.days, today, days=ahead, level=level)


def _total(spending: Spending, wanted: Period, found: Prospect) -> Total:
    spent = _spent(spending, wanted)
    rest = found.ahead[(wanted.last - spending.today).days]
    whole = Interval(low=spent + rest.low, expected=spent + rest.expected, high=spent + rest.high)
    return Total(period=wanted, spent=spent, whole=whole)


def _spent(spending: Spending, wanted: Period) -> int:
    days = (wanted.last - wanted.first).days + 1
    return sum(spending.days.get(wanted.first + timedelta(days=day), 0) for day in range(days))
