"""What calls came to, group by group: in some order, the largest of them and the others together, and all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal, get_args

from hooks import Ledger, Sums
from hooks.gateway import Dimension

from ..metrics import QUANTILES, rate

Order = Literal["cost", "calls", "tokens", "saved", "errors", "error_rate", "hit_rate", "p95", "group"]

DIMENSIONS: Final = get_args(Dimension)
TAG: Final = "tag:"
_TIMES: Final = ("day", "hour")
_IDENTITIES: Final = frozenset({"user", "key"})
_ADDED: Final = tuple(name for name in Sums.__slots__ if name not in ("group", "seconds"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``latencies`` is None for: unless it takes single calls. Without ``order`` it is by time, or by cost.

    Of those by time the latest ``limit`` are kept, of others the first.
    """

    since: datetime
    until: datetime
    zone: str
    group_by: tuple[str, ...]
    filters: Mapping[str, Any] = field(default_factory=dict)
    order: Order | None = None
    limit: int = 1000
    latencies: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """``others`` is how many groups are in ``other``, which has no latencies. ``total`` is of calls, each once."""

    groups: tuple[Sums, ...]
    other: Sums | None
    others: int
    total: Sums


async def breakdown(ledger: Ledger, organization: str, asked: Asked) -> Breakdown:
    """Raises `hooks.Unanswerable` for what the ledger does not have."""
    quantiles = tuple(QUANTILES.values()) if _with_latencies(asked) else ()
    once = "tag" not in asked.group_by
    usage = partial(
        ledger.usage, organization, since=asked.since, until=asked.until, quantiles=quantiles, **asked.filters
    )
    groups = await usage(group_by=asked.group_by, zone=asked.zone, total=once)
    total = groups[-1] if once else (await usage())[0]
    # Ten thousand groups are not sorted while calls wait.
    return await asyncio.to_thread(_limited, groups[:-1] if once else groups, total, asked)


def default_order(group_by: Sequence[str]) -> Order:
    return "group" if group_by[0] in _TIMES else "cost"


def in_order(groups: Iterable[Sums], order: Order) -> list[Sums]:
    """The most first; those of which there is nothing to be said last. Equal ones stay as the ledger has them."""
    if order == "group":
        return list(groups)
    return sorted(groups, key=lambda sums: -1.0 if (found := _measure(sums, order)) is None else found, reverse=True)


def added(groups: Iterable[Sums]) -> Sums:
    """Without latencies: quantiles cannot be added."""
    found = list(groups)
    return Sums(group={}, **{name: sum(getattr(sums, name) for sums in found) for name in _ADDED})


def _limited(groups: Sequence[Sums], total: Sums, asked: Asked) -> Breakdown:
    order = asked.order or default_order(asked.group_by)
    ordered = in_order(groups, order)
    beyond = max(0, len(ordered) - asked.limit)
    if order == "group" and asked.group_by[0] in _TIMES:
        rest, kept = ordered[:beyond], ordered[beyond:]
    else:
        kept, rest = ordered[: asked.limit], ordered[asked.limit :]
    return Breakdown(groups=tuple(kept), other=added(rest) if rest else None, others=len(rest), total=total)


def _with_latencies(asked: Asked) -> bool:
    """By keys and users the ledger has them of single calls only, which may take seconds, or are gone."""
    if asked.latencies is not None:
        return asked.latencies
    return not _IDENTITIES & {*asked.group_by, *asked.filters}


def _measure(sums: Sums, order: Order) -> float | None:
    match order:
        case "cost":
            return sums.cost_nano_usd
        case "calls":
            return sums.calls
        case "tokens":
            return sums.prompt_tokens + sums.completion_tokens
        case "saved":
            return sums.saved_nano_usd
        case "errors":
            return sums.errors
        case "error_rate":
            return rate(sums.errors, sums.calls)
        case "hit_rate":
            return rate(sums.hits, sums.calls)
        case _:
            return sums.seconds[1] if len(sums.seconds) > 1 else None
