"""What ``GET /analytics/anomalies`` takes and answers."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..calendar_days import Day
from ..money import usd
from .anomalies import Anomaly
from .drivers import Driver
from .hourly import Hourly
from .score import Hour

MOST_DAYS: Final = 31
DEFAULT_DAYS: Final = 7


class AnomaliesQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    start_date: Day | None = Field(
        default=None, description="First day, of the organization's zone. Without, the last seven days up to the end."
    )
    end_date: Day | None = Field(default=None, description="Last day; without, today.")

    def days(self, today: date) -> tuple[date, date]:
        """Raises ``ValueError``."""
        end = self.end_date or today
        start = self.start_date or end - timedelta(days=DEFAULT_DAYS - 1)
        if start > today:
            raise ValueError(f"nothing has been after today, {today}: {start} to {end} is still to come")
        if start > end:
            raise ValueError(f"start_date {start} is after end_date {end}")
        if (end - start).days >= MOST_DAYS:
            raise ValueError(f"start_date {start} to end_date {end} is more than {MOST_DAYS} days")
        return start, end


class DriverBody(BaseModel):
    dimension: Literal["model", "provider", "key"]
    value: str
    calls: int
    errors: int
    cost_usd: str
    usual_calls: float | None = Field(description="Median of the same hours before; null where that is not kept.")
    usual_cost_usd: str | None
    share: float = Field(description="Of all that was more than usual, by dimension.")


class AnomalyBody(BaseModel):
    """Of the hours from ``start`` to ``end``, ``hours`` were unusual. Of the worst, ``peak``, are score and value."""

    metric: Literal["spend", "errors", "latency"]
    cause: Literal["calls", "cost per call", "error rate", "latency"]
    start: datetime
    end: datetime
    hours: int
    peak: datetime
    score: float = Field(description="Deviations from the median of comparable hours, in both of two hours in a row.")
    value: str | float = Field(description="Spend in dollars as text; share of calls; seconds at the 95 % quantile.")
    usual: str | float = Field(description="The same in comparable hours.")
    calls: int
    cost_usd: str = Field(description="From start to end.")
    drivers: list[DriverBody] = Field(description="Those that had most more than usual.")


class AnomaliesAnswer(BaseModel):
    object: Literal["anomalies"] = "anomalies"
    organization: str
    time_zone: str
    start_date: date
    end_date: date
    hours: int = Field(description="That were looked at: those that are over, from the 73rd with use on.")
    anomalies: list[AnomalyBody]


def shown(found: Anomaly, hourly: Hourly, zone: tzinfo, drivers: list[Driver]) -> AnomalyBody:
    at = {name: hourly.at(place).astimezone(zone) for name, place in _places(found).items()}
    during = hourly.hours[found.first : found.last + 1]
    return AnomalyBody(
        metric=found.metric,
        cause=found.cause,
        **at,
        hours=found.hours,
        score=round(found.score, 2),
        value=_value(found, hourly.hours[found.peak]),
        usual=usd(round(found.usual)) if found.metric == "spend" else found.usual,
        calls=sum(one.calls for one in during),
        cost_usd=usd(sum(one.cost for one in during)),
        drivers=[_driver(one) for one in drivers],
    )


def _places(found: Anomaly) -> dict[str, int]:
    return {"start": found.first, "end": found.last + 1, "peak": found.peak}


def _value(found: Anomaly, hour: Hour) -> str | float:
    if found.metric == "spend":
        return usd(hour.cost)
    return hour.errors / max(hour.calls, 1) if found.metric == "errors" else hour.seconds or 0.0


def _driver(one: Driver) -> DriverBody:
    return DriverBody.model_validate(
        {
            "dimension": one.dimension,
            "value": one.value,
            "calls": one.calls,
            "errors": one.errors,
            "cost_usd": usd(one.cost),
            "usual_calls": one.usual_calls,
            "usual_cost_usd": None if one.usual_cost is None else usd(round(one.usual_cost)),
            "share": one.share,
        }
    )
