"""What ``GET /analytics/series`` is asked and answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..breakdown.bodies import FiguresBody, figures
from ..settings import MetricSettings
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

    latencies: bool = Field(
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
        return Asked(range=self.range, by=self.by, sort=self.sort, latencies=self.latencies)


class SeriesPoint(FiguresBody):
    time: str = Field(description="The day, or the moment the step begins at, as in 2026-11-30T14:00+01:00.")


class SeriesGroup(FiguresBody):
    group: dict[str, str] = Field(description="The value of the dimension; empty for calls that have none.")


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
    total: FiguresBody
    before: FiguresBody = Field(description="Of the range before this one up to the same moment, without percentiles.")


def told(found: Series, organization: str, query: SeriesQuery, metrics: Sequence[MetricSettings]) -> dict[str, Any]:
    """A `SeriesBody` as JSON."""
    asked = found.stretch
    return {
        "object": "series",
        "organization": organization,
        "range": query.range,
        "step": asked.step,
        "time_zone": found.zone,
        "start": asked.since.isoformat(timespec="minutes"),
        "end": asked.now.isoformat(timespec="minutes"),
        "by": query.by,
        "points": [{"time": name, **figures(sums, metrics)} for name, sums in found.points.items()],
        "groups": [{"group": dict(sums.group), **figures(sums, metrics)} for sums in found.groups],
        "groups_left_out": found.left_out,
        "total": figures(found.total, metrics),
        "before": figures(found.before, metrics),
    }
