"""What ``GET /analytics/breakdown`` takes and answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hooks import Sums

from ..calendar_days import Day
from ..metrics import QUANTILES, compiled, named_sums, rate
from ..money import usd
from ..settings import MetricSettings
from .breakdown import DIMENSIONS, TAG, Breakdown, Order

MOST: Final = 10_000
_SECONDS: Final = tuple(f"{name}_seconds" for name in QUANTILES)


def _dimensions(text: str) -> str:
    names = text.split(",")
    for name in names:
        if name not in DIMENSIONS and not (name.startswith(TAG) and len(name) > len(TAG)):
            nearest = get_close_matches(name, DIMENSIONS, n=1)
            hint = f"; the nearest is {nearest[0]!r}" if nearest else ""
            raise ValueError(f"{name[:80]!r} is none of {', '.join(DIMENSIONS)} and tag:NAME{hint}")
    if len(names) > 2 or len(set(names)) < len(names):
        raise ValueError("takes one of them, or two different ones with a comma between")
    return text


def _pair(text: str) -> str:
    if "=" not in text:
        raise ValueError("must be name=value")
    return text


Name = Annotated[str, Field(max_length=1000)]


class BreakdownQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    start_date: Day | None = Field(default=None, description="First day; by default 29 days before the last.")
    end_date: Day | None = Field(default=None, description="Last day, included; by default today.")
    group_by: Annotated[str, Field(max_length=300), AfterValidator(_dimensions)] = Field(
        default="day",
        description="day, hour, model, provider, user, key, source, complexity, tag:NAME, or tag for all tags, where a "
        "call counts once for each it has; two of them with a comma between.",
    )
    zone: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="Whose days and hours, of IANA's names; by default the organization's."
    )
    order: Order | None = Field(
        default=None, description="By what, the most first; by default by time, or else by cost."
    )
    limit: int = Field(
        default=1000,
        ge=1,
        le=MOST,
        description="The most groups, of days and hours by time the latest; the others are added up.",
    )
    latencies: bool | None = Field(
        default=None,
        description="Whether to tell quantiles; by default not by key and user, where that takes single calls.",
    )
    format: Literal["json", "csv"] | None = Field(default=None, description="By default as Accept says, or json.")
    model: Name | None = Field(default=None, description="Only calls of this model.")
    provider: Name | None = Field(default=None, description="Only calls of this provider.")
    key: Name | None = Field(default=None, description="Only calls of this key.")
    user: Name | None = Field(default=None, description="Only calls of this user; empty for those of none.")
    tag: Annotated[str, Field(max_length=1000), AfterValidator(_pair)] | None = Field(
        default=None, description="Only calls with this tag, as name=value."
    )

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(self.group_by.split(","))

    @property
    def filters(self) -> dict[str, str]:
        given = {name: getattr(self, name) for name in ("model", "provider", "key", "user", "tag")}
        return {name: value for name, value in given.items() if value is not None}


class FiguresBody(BaseModel):
    calls: int
    errors: int = Field(description="Answers of status 400 and above.")
    error_rate: float | None = Field(description="Of calls, in 0 to 1; null without calls.")
    hits: int = Field(description="Good answers that a plugin gave instead of a provider.")
    hit_rate: float | None = Field(description="Of calls, in 0 to 1; null without calls.")
    incomplete: int = Field(description="Answers that did not reach their end.")
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = Field(description="Of the prompt's, those the provider had cached.")
    reasoning_tokens: int = Field(description="Of the completion's, those that were thought.")
    total_tokens: int = Field(description="prompt_tokens and completion_tokens together.")
    cost_nano_usd: int = Field(description="Billionths of a US dollar, of the calls whose cost is known.")
    cost_usd: str = Field(description="The same in dollars, an exact decimal number.")
    unpriced: int = Field(description="Calls whose cost is not known.")
    saved_nano_usd: int = Field(description="What the calls would have cost more without the plugins.")
    saved_usd: str
    p50_seconds: float | None = Field(description="From arrival to last byte, within 2 %; null where it is not told.")
    p95_seconds: float | None
    p99_seconds: float | None
    metrics: dict[str, float | None] = Field(description="Those of the configuration; null where they have no value.")


class GroupBody(FiguresBody):
    group: dict[str, str] = Field(description="The value of each dimension.")


class OtherBody(FiguresBody):
    groups: int = Field(description="How many there are in it.")


class BreakdownBody(BaseModel):
    object: Literal["breakdown"] = "breakdown"
    organization: str
    start_date: date
    end_date: date = Field(description="Included.")
    time_zone: str = Field(description="Whose days and hours they are.")
    group_by: list[str]
    order: Order
    data: list[GroupBody] = Field(description="Groups without calls are left out.")
    other: OtherBody | None = Field(description="What is beyond the limit, added up.")
    total: FiguresBody = Field(description="Of all calls, each once.")


def told(found: Breakdown, metrics: Sequence[MetricSettings], **head: Any) -> dict[str, Any]:
    """A `BreakdownBody` as JSON."""
    other = None if found.other is None else {"groups": found.others, **figures(found.other, metrics)}
    return {
        "object": "breakdown",
        **head,
        "data": [{"group": dict(sums.group), **figures(sums, metrics)} for sums in found.groups],
        "other": other,
        "total": figures(found.total, metrics),
    }


def figures(sums: Sums, metrics: Sequence[MetricSettings]) -> dict[str, Any]:
    """A `FiguresBody` as JSON."""
    seconds = sums.seconds or (None,) * len(QUANTILES)
    return {
        "calls": sums.calls,
        "errors": sums.errors,
        "error_rate": rate(sums.errors, sums.calls),
        "hits": sums.hits,
        "hit_rate": rate(sums.hits, sums.calls),
        "incomplete": sums.incomplete,
        "prompt_tokens": sums.prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "cached_tokens": sums.cached_tokens,
        "reasoning_tokens": sums.reasoning_tokens,
        "total_tokens": sums.prompt_tokens + sums.completion_tokens,
        "cost_nano_usd": sums.cost_nano_usd,
        "cost_usd": usd(sums.cost_nano_usd),
        "unpriced": sums.unpriced,
        "saved_nano_usd": sums.saved_nano_usd,
        "saved_usd": usd(sums.saved_nano_usd),
        **dict(zip(_SECONDS, seconds, strict=True)),
        "metrics": _metrics(sums, metrics) if metrics else {},
    }


def _metrics(sums: Sums, metrics: Sequence[MetricSettings]) -> dict[str, float | None]:
    named = named_sums(sums)
    return {one.name: compiled(one.expression).value(named) for one in metrics}
