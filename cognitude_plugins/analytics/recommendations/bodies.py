"""What ``GET /analytics/recommendations`` is asked and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..money import usd
from ..settings import Recommendations
from .advisor import Advice
from .finding import Finding, Kind

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)


class RecommendationsQuery(BaseModel):
    model_config = _STRICT

    days: int | None = Field(default=None, ge=1, le=90, description="How many days to look back at.")


class Recommendation(BaseModel):
    kind: Kind
    summary: str = Field(description="What was found.")
    rule: str = Field(description="How it is found.")
    saving_usd: str = Field(description="Per month of 30 days, in US dollars, exactly.")
    saving_nano_usd: int = Field(description="The same in billionths of a dollar.")
    low_usd: str = Field(description="The cautious estimate in the half of the time in which it was less.")
    low_nano_usd: int
    high_usd: str = Field(description="The bold estimate in the half of the time in which it was more.")
    high_nano_usd: int
    counted_usd: str = Field(description="What of it is in total_potential_savings_usd: not counted by one above.")
    counted_nano_usd: int
    threshold_usd: float = Field(description="From so many dollars a month on it is shown.")
    evidence: dict[str, int | str] = Field(description="Calls, tokens and nano-dollars of the time looked back at.")
    examples: list[int] = Field(description="Up to three request_digest (of beginnings prefix_digest) of the ledger.")
    change: str = Field(description="What to put into plugins.yaml, as YAML.")


class RecommendationsBody(BaseModel):
    object: Literal["recommendations"] = "recommendations"
    organization: str
    until: datetime
    days: float = Field(description="How many days there were to look back at.")
    sampled: int = Field(
        description="One prompt in so many was looked at, with all calls like it, and sums multiplied by it: 1 is all."
    )
    calls: int = Field(description="Good answers of providers in that time, with a cost above 0.")
    fingerprinted_calls: int = Field(description="Those whose prompt has a fingerprint; repeats show among them only.")
    total_potential_savings_usd: str = Field(description="Per month; no dollar is counted twice.")
    total_potential_savings_nano_usd: int
    recommendations: list[Recommendation] = Field(description="Those worth their threshold.")


def body_of(advice: Advice, organization: str, until: datetime, settings: Recommendations) -> RecommendationsBody:
    traffic = advice.traffic
    return RecommendationsBody(
        organization=organization,
        until=until,
        days=round(traffic.days, 3),
        sampled=traffic.part,
        calls=traffic.calls,
        fingerprinted_calls=traffic.fingerprinted,
        total_potential_savings_usd=usd(advice.total),
        total_potential_savings_nano_usd=advice.total,
        recommendations=[_shown(one, settings) for one in advice.findings],
    )


def _shown(one: Finding, settings: Recommendations) -> Recommendation:
    return Recommendation(
        kind=one.kind,
        summary=one.summary,
        rule=one.rule,
        saving_usd=usd(one.saving.month),
        saving_nano_usd=one.saving.month,
        low_usd=usd(one.saving.low),
        low_nano_usd=one.saving.low,
        high_usd=usd(one.saving.high),
        high_nano_usd=one.saving.high,
        counted_usd=usd(one.total),
        counted_nano_usd=one.total,
        threshold_usd=float(settings.thresholds.of(one.kind)),
        evidence=dict(one.evidence),
        examples=list(one.examples),
        change=one.yaml,
    )
