"""What ``GET /analytics/summary`` takes and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hooks import Sums

from ..metrics import rate
from ..money import usd
from .summary import Range, Summary


class SummaryQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    range: Range = Field(default="7d", description="Of which time up to now the models and keys are.")
    top: Annotated[int, Field(ge=1, le=100)] = Field(default=5, description="How many models and keys.")


class SpentBody(BaseModel):
    calls: int
    total_tokens: int
    cost_usd: str
    saved_usd: str
    error_rate: float | None
    hit_rate: float | None
    unpriced: int = Field(description="Calls whose cost is not known.")


class SpanBody(BaseModel):
    name: Literal["today", "this_week", "this_month"]
    since: datetime
    until: datetime = Field(description="Now.")
    spent: SpentBody
    before_since: datetime = Field(description="Where the day, week or month before began.")
    before_until: datetime = Field(description="As far into it as now is into this one, by the zone's clock.")
    before: SpentBody
    change: float | None = Field(description="Of the cost, as a share of what it was before; null where that was 0.")


class TopBody(SpentBody):
    name: str


class SummaryBody(BaseModel):
    object: Literal["cost_summary"] = "cost_summary"
    organization: str
    time_zone: str
    spans: list[SpanBody]
    range: Range
    total: SpentBody = Field(description="Of the range.")
    models: list[TopBody] = Field(description="Those that cost most in the range.")
    keys: list[TopBody]


def told(found: Summary, **head: Any) -> dict[str, Any]:
    """A `SummaryBody` as JSON."""
    spans = [
        {
            "name": span.name,
            "since": span.since.isoformat(),
            "until": span.until.isoformat(),
            "spent": _spent(this),
            "before_since": span.before_since.isoformat(),
            "before_until": span.before_until.isoformat(),
            "before": _spent(before),
            "change": rate(this.cost_nano_usd - before.cost_nano_usd, before.cost_nano_usd),
        }
        for span, this, before in found.spans
    ]
    return {
        "object": "cost_summary",
        **head,
        "spans": spans,
        "total": _spent(found.total),
        "models": [{"name": one.group["model"], **_spent(one)} for one in found.models],
        "keys": [{"name": one.group["key"], **_spent(one)} for one in found.keys],
    }


def _spent(sums: Sums) -> dict[str, Any]:
    return {
        "calls": sums.calls,
        "total_tokens": sums.prompt_tokens + sums.completion_tokens,
        "cost_usd": usd(sums.cost_nano_usd),
        "saved_usd": usd(sums.saved_nano_usd),
        "error_rate": rate(sums.errors, sums.calls),
        "hit_rate": rate(sums.hits, sums.calls),
        "unpriced": sums.unpriced,
    }
