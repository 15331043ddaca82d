"""What ``GET /analytics/forecast`` takes and answers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..money import nano_usd, usd
from .budget import RunOut
from .forecast import Asked, Forecast, Total
from .past import Interval, Kept
from .periods import Period, period
from .prospect import Prospect
from .spending import Spending

Usd = Annotated[str, Field(description="Dollars, exact, as decimal text.")]
_MOST_USD: Final = Decimal(10) ** 9


class ForecastQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    level: float = Field(default=0.8, ge=0.5, le=0.95, description="How often intervals are to contain what comes.")
    days: int = Field(default=14, ge=1, le=90, description="Days after today to list.")
    period: Literal["week", "month", "year"] = Field(default="month", description="Of the budget.")
    budget_usd: Decimal | None = Field(
        default=None, gt=0, le=_MOST_USD, decimal_places=9, description="When does this budget of the period run out?"
    )

    def asked(self) -> Asked:
        budget = None if self.budget_usd is None else nano_usd(self.budget_usd)
        return Asked(level=self.level, days=self.days, period=self.period, budget=budget)


class HistoryBody(BaseModel):
    days: int = Field(description="Whole days the forecast is made of.")
    start_date: date | None = Field(description="The first of them; null without any.")
    end_date: date | None = Field(description="The last of them: yesterday.")
    unpriced_calls: int = Field(description="Calls whose cost is not known; they are in no figure here.")


class Range(BaseModel):
    expected_usd: Usd
    low_usd: Usd
    high_usd: Usd


class TotalBody(Range):
    """Of the whole period: what is spent already, and what is expected of the rest."""

    start_date: date
    end_date: date
    spent_usd: Usd


class DayBody(BaseModel):
    """The first is the rest of today."""

    date: date
    expected_usd: str = Field(description="Of this day alone.")
    total: Range = Field(description="From now to the end of this day.")


class ForecastBody(BaseModel):
    day: TotalBody
    week: TotalBody
    month: TotalBody
    year: TotalBody
    days: list[DayBody]


class BudgetBody(BaseModel):
    period: str
    start_date: date
    end_date: date
    budget_usd: Usd
    spent_usd: Usd
    state: Literal["used_up", "runs_out", "may_run_out", "lasts", "unknown"] = Field(
        description="Used up already; expected to run out within the period; only if spend is high; not even then; "
        "not known, for there is no forecast."
    )
    used_up: date | None = Field(description="The day on which it was used up already.")
    runs_out: date | None = Field(description="The day expected; null for not within the period.")
    earliest: date | None = Field(description="The day if spend is at the upper end of its interval.")
    latest: date | None = Field(description="The day if it is at the lower end.")


class CoverageBody(BaseModel):
    """How intervals for so many days did on this organization's past, as they would have been made at the time."""

    days: int
    intervals: int = Field(description="That follow each other without overlap, the last up to yesterday.")
    contained: int = Field(description="Those that contained what came.")
    share: float | None = Field(description="contained / intervals; null without any.")
    low: float | None = Field(description="Lower end of the share's 95 % interval: few intervals say little.")
    high: float | None


class ForecastAnswer(BaseModel):
    object: Literal["forecast"] = "forecast"
    organization: str
    time_zone: str
    as_of: datetime
    level: float
    history: HistoryBody
    forecast: ForecastBody | None
    reason: str | None = Field(description="Why there is no forecast.")
    budget: BudgetBody | None = Field(description="Null if no budget was asked for.")
    past_coverage: list[CoverageBody]


def answered(organization: str, time_zone: str, spending: Spending, asked: Asked, found: Forecast) -> ForecastAnswer:
    return ForecastAnswer(
        organization=organization,
        time_zone=time_zone,
        as_of=spending.now,
        level=asked.level,
        history=_history(spending, found),
        forecast=None if found.prospect is None else _forecast(spending.today, found, found.prospect, asked.days),
        reason=found.reason,
        budget=_budget(spending, asked, found),
        past_coverage=[_coverage(one) for one in found.kept],
    )


def _history(spending: Spending, found: Forecast) -> HistoryBody:
    days = len(found.history)
    return HistoryBody(
        days=days,
        start_date=found.history.first if days else None,
        end_date=spending.today - timedelta(days=1) if days else None,
        unpriced_calls=spending.unpriced,
    )


def _forecast(today: date, found: Forecast, ahead: Prospect, days: int) -> ForecastBody:
    return ForecastBody(
        **{name: _total(one) for name, one in found.totals.items()},
        days=[
            DayBody(
                date=today + timedelta(days=day),
                expected_usd=usd(ahead.days[day]),
                total=Range(**_range(ahead.ahead[day])),
            )
            for day in range(days + 1)
        ],
    )


def _total(found: Total) -> TotalBody:
    return TotalBody(
        start_date=found.period.first, end_date=found.period.last, spent_usd=usd(found.spent), **_range(found.whole)
    )


def _range(found: Interval) -> dict[str, str]:
    return {"expected_usd": usd(found.expected), "low_usd": usd(found.low), "high_usd": usd(found.high)}


def _budget(spending: Spending, asked: Asked, found: Forecast) -> BudgetBody | None:
    if asked.budget is None or found.run_out is None:
        return None
    wanted: Period = period(asked.period, spending.today)
    ends = found.run_out
    return BudgetBody(
        period=wanted.name,
        start_date=wanted.first,
        end_date=wanted.last,
        budget_usd=usd(asked.budget),
        spent_usd=usd(found.budget_spent),
        state=_state(ends, known=found.prospect is not None),
        used_up=ends.used_up,
        runs_out=ends.expected,
        earliest=ends.earliest,
        latest=ends.latest,
    )


def _state(ends: RunOut, *, known: bool) -> Literal["used_up", "runs_out", "may_run_out", "lasts", "unknown"]:
    if ends.used_up is not None:
        return "used_up"
    if not known:
        return "unknown"
    if ends.expected is not None:
        return "runs_out"
    return "lasts" if ends.earliest is None else "may_run_out"


def _coverage(kept: Kept) -> CoverageBody:
    return CoverageBody(
        days=kept.days,
        intervals=kept.intervals,
        contained=kept.contained,
        share=kept.share,
        low=kept.low,
        high=kept.high,
    )
