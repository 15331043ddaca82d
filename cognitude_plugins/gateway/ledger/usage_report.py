"""Sums as the API and the command line tell them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, Field

from hooks import Sums

from .period import Period


class UsageSums(BaseModel):
    calls: int
    errors: int = Field(description="Answers of status 400 and above.")
    limited: int = Field(description="Of the errors, those of status 429: over a limit.")
    cache_hits: int = Field(description="Good answers that a plugin gave instead of a provider.")
    incomplete: int = Field(description="Answers that did not reach their end.")
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = Field(description="Of the prompt's, those the provider had cached.")
    reasoning_tokens: int = Field(description="Of the completion's, those that were thought.")
    total_tokens: int = Field(description="prompt_tokens and completion_tokens together.")
    cost_nano_usd: int = Field(description="Billionths of a US dollar, of the calls whose cost is known.")
    cost_usd: str = Field(description="The same in dollars, an exact decimal number.")
    saved_nano_usd: int = Field(description="What the calls would have cost more without the plugins.")
    unpriced_calls: int = Field(description="Calls whose cost is not known.")


class UsageGroup(UsageSums):
    group: dict[str, str] = Field(description="The value of the dimension that was asked for.")


class UsageReport(BaseModel):
    object: Literal["usage"]
    start_date: str
    end_date: str = Field(description="Included.")
    group_by: str
    data: list[UsageGroup] = Field(description="Groups without calls are left out.")
    total: UsageSums


def report(found: Sequence[Sums], period: Period, group_by: str) -> dict[str, Any]:
    """A `UsageReport` as JSON."""
    data = [{"group": dict(sums.group), **amounts(sums)} for sums in found]
    return {
        "object": "usage",
        "start_date": period.start.isoformat(),
        "end_date": period.end.isoformat(),
        "group_by": group_by,
        "data": data,
        "total": amounts(total(found)),
    }


def amounts(sums: Sums) -> dict[str, Any]:
    return {
        "calls": sums.calls,
        "errors": sums.errors,
        "limited": sums.limited,
        "cache_hits": sums.hits,
        "incomplete": sums.incomplete,
        "prompt_tokens": sums.prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "cached_tokens": sums.cached_tokens,
        "reasoning_tokens": sums.reasoning_tokens,
        "total_tokens": sums.prompt_tokens + sums.completion_tokens,
        "cost_nano_usd": sums.cost_nano_usd,
        "cost_usd": usd(sums.cost_nano_usd),
        "saved_nano_usd": sums.saved_nano_usd,
        "unpriced_calls": sums.unpriced,
    }


def total(found: Sequence[Sums]) -> Sums:
    names = [name for name in Sums.__slots__ if name not in ("group", "seconds")]
    return Sums(group={}, **{name: sum(getattr(sums, name) for sums in found) for name in names})


def usd(nano: int) -> str:
    """Exact, in dollars, with as many decimals as it takes: ``0.000123``."""
    text = f"{Decimal(nano).scaleb(-9):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
