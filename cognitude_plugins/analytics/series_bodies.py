"""What ``GET /analytics/series`` is asked and answers."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hooks import Sums

from .series import Asked, Series, Sort
from .stretches import Range, Step

DIMENSIONS: Final = ("model", "provider", "key", "user", "source", "complexity")
_TAG: Final = re.compile(r"tag:[^\s,]{1,64}")


class SeriesQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    range: Range = Field(
        default="24h",
        description="Ends now. Of 1h the points are five minutes, of 24h, today and 7d hours, of 30d and 90d days.",
    )
    by: str | None = Field(
        default=None,
        description="model, provider, key, user, source, complexity or tag:NAME: the whole range by it, in `groups`.",
    )
    sort: Sort = Field(default="calls", description="What the groups are sorted by, the largest first.")

    latency: bool = Field(
        default=False,
        description="Percentiles too, which takes longer: of points, total, and groups by model or provider.",
    )

    @field_validator("by")
    @classmethod
    def _known(cls, by: str | None) -> str | None:
        if by is not None and by not in DIMENSIONS and not _TAG.fullmatch(by):
            raise ValueError(f"must be one of {', '.join(DIMENSIONS)} or tag:NAME, not {by[:80]!r}")
        return by

    def asked(self) -> Asked:
        return Asked(range=self.range, by=self.by, sort=self.sort, latency=self.latency)


class SeriesSums(BaseModel):
    calls: int
    errors: int = Field(description="Answers of status 400 and above.")
    error_rate: float | None = Field(description="Of the calls, 0 to 1; null without calls.")
    hits: int = Field(description="Good answers that a plugin gave instead of a provider.")
    hit_rate: float | None = Field(description="Of the calls, 0 to 1; null without calls.")
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost_nano_usd: int = Field(description="Billionths of a US dollar, of the calls whose cost is known.")
    cost_usd: str = Field(description="The same in dollars, an exact decimal number.")
    saved_nano_usd: int = Field(description="What the calls would have cost more without the plugins.")
    saved_usd: str
    unpriced_calls: int = Field(description="Calls whose cost is not known.")
    p50_seconds: float | None = Field(
        description="From arrival to last byte; null where it was not asked for or is not known."
    )
    p95_seconds: float | None
    p99_seconds: float | None


class SeriesPoint(SeriesSums):
    time: str = Field(description="The day, or the moment the step begins at, as in 2026-11-30T14:00+01:00.")


class SeriesGroup(SeriesSums):
    group: str = Field(description="The value of the dimension; empty for calls that have none.")


class SeriesBody(BaseModel):
    object: Literal["series"] = "series"
    organization: str
    range: Range
    step: Step
    time_zone: str
    start: str = Field(description="When the first step began.")
    end: str = Field(description="The minute that it was answered in.")
    by: str | None
    points: list[SeriesPoint] = Field(description="One for each step, with or without calls; the last is under way.")
    groups: list[SeriesGroup] = Field(description="The largest, at most 100.")
    groups_left_out: int
    total: SeriesSums
    before: SeriesSums = Field(description="Of the range before this one up to the same moment, without percentiles.")


def body_of(found: Series, organization: str, query: SeriesQuery) -> SeriesBody:
    asked = found.stretch
    return SeriesBody(
        organization=organization,
        range=query.range,
        step=asked.step,
        time_zone=found.zone,
        start=asked.since.isoformat(timespec="minutes"),
        end=asked.now.isoformat(timespec="minutes"),
        by=query.by,
        points=[SeriesPoint(time=name, **amounts(sums)) for name, sums in found.points.items()],
        groups=[SeriesGroup(group=next(iter(one.group.values())), **amounts(one)) for one in found.groups],
        groups_left_out=found.left_out,
        total=SeriesSums(**amounts(found.total)),
        before=SeriesSums(**amounts(found.before)),
    )


def amounts(sums: Sums) -> dict[str, Any]:
    """The fields of `SeriesSums`."""
    p50, p95, p99 = sums.seconds if sums.calls and sums.seconds else (None, None, None)
    return {
        "calls": sums.calls,
        "errors": sums.errors,
        "error_rate": sums.errors / sums.calls if sums.calls else None,
        "hits": sums.hits,
        "hit_rate": sums.hits / sums.calls if sums.calls else None,
        "prompt_tokens": sums.prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "total_tokens": sums.prompt_tokens + sums.completion_tokens,
        "cost_nano_usd": sums.cost_nano_usd,
        "cost_usd": _usd(sums.cost_nano_usd),
        "saved_nano_usd": sums.saved_nano_usd,
        "saved_usd": _usd(sums.saved_nano_usd),
        "unpriced_calls": sums.unpriced,
        "p50_seconds": p50,
        "p95_seconds": p95,
        "p99_seconds": p99,
    }


def _usd(nano: int) -> str:
    text = f"{Decimal(nano).scaleb(-9):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
