"""What ``GET /analytics/savings`` is asked and answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..calendar_days import Day, Days
from ..money import usd
from .savings import Saved, Savings

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)


class SavingsQuery(BaseModel):
    model_config = _STRICT

    start_date: Day | None = Field(default=None, description="The first day; 29 days before the last without it.")
    end_date: Day | None = Field(default=None, description="The last day; today without it.")
    baseline: str | None = Field(
        default=None, min_length=1, max_length=256, description="A model to hold against; by default the configured."
    )


class Against(BaseModel):
    cost_usd: str = Field(description="What the counted answers would have cost there.")
    paid_usd: str = Field(description="What they did cost.")
    saved_usd: str = Field(description="The difference.")
    saved_nano_usd: int
    counted_calls: int
    uncounted_calls: int = Field(description="Answers without tokens, cost or price there: in none of these sums.")


class Amounts(BaseModel):
    calls: int
    cost_usd: str
    cost_nano_usd: int
    cache_calls: int = Field(description="Answers that a cache gave.")
    cache_saved_usd: str
    cache_saved_nano_usd: int
    coalesced_calls: int = Field(description="Calls that got the answer of another one that was on its way.")
    coalescing_saved_usd: str
    coalescing_saved_nano_usd: int
    routed_calls: int = Field(description="Calls of providers for which a router noted what it saved.")
    routing_saved_usd: str
    routing_saved_nano_usd: int
    saved_usd: str = Field(description="All three together.")
    saved_nano_usd: int
    against_baseline: Against | None = Field(description="null without a baseline.")


class DaySavings(Amounts):
    day: date


class SavingsBody(BaseModel):
    object: Literal["savings"] = "savings"
    organization: str
    time_zone: str = Field(description="Whose days they are.")
    start_date: date
    end_date: date = Field(description="Included.")
    rows_since: datetime | None = Field(
        description="From when on single calls are kept. If that is after the beginning of start_date, days that began "
        "before it are neither in days nor in total; null otherwise."
    )
    baseline: str | None
    total: Amounts
    days: list[DaySavings] = Field(description="Also those without calls.")


def amounts(saved: Saved, baseline: str | None) -> Amounts:
    together = saved.cache + saved.coalescing + saved.routing
    return Amounts(
        calls=saved.calls,
        cost_usd=usd(saved.cost),
        cost_nano_usd=saved.cost,
        cache_calls=saved.cache_calls,
        cache_saved_usd=usd(saved.cache),
        cache_saved_nano_usd=saved.cache,
        coalesced_calls=saved.coalescing_calls,
        coalescing_saved_usd=usd(saved.coalescing),
        coalescing_saved_nano_usd=saved.coalescing,
        routed_calls=saved.routing_calls,
        routing_saved_usd=usd(saved.routing),
        routing_saved_nano_usd=saved.routing,
        saved_usd=usd(together),
        saved_nano_usd=together,
        against_baseline=None if baseline is None else _against(saved),
    )


def body_of(found: Savings, days: Days, *, organization: str, zone: str, baseline: str | None) -> SavingsBody:
    return SavingsBody(
        organization=organization,
        time_zone=zone,
        start_date=days.dates[0],
        end_date=days.dates[-1],
        rows_since=found.rows_since,
        baseline=baseline,
        total=amounts(found.total, baseline),
        days=[DaySavings(day=day, **amounts(found.days[day], baseline).model_dump()) for day in sorted(found.days)],
    )


def _against(saved: Saved) -> Against:
    difference = saved.baseline - saved.paid
    return Against(
        cost_usd=usd(saved.baseline),
        paid_usd=usd(saved.paid),
        saved_usd=usd(difference),
        saved_nano_usd=difference,
        counted_calls=saved.counted,
        uncounted_calls=saved.uncounted,
    )
