"""Which models, providers and keys an unusual time came from: those that had more in it than they usually have then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from hooks import Gateway, Sums

from .hourly import QUANTILE
from .score import WEEKS, Metric

DIMENSIONS: Final = ("model", "provider", "key")
_MOST: Final = 3
_WEEKS_BACK: Final = tuple(timedelta(weeks=one) for one in range(1, WEEKS + 1))
_DAYS_BACK: Final = tuple(timedelta(days=one) for one in range(1, 7))

Groups = Mapping[str, Sums]
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """``excess`` is what it had more than usual, in nano-dollars, errors, or seconds over all of its calls.

    ``usual_*`` are the medians of the same hours before; None where the ledger does not know them any more: then
    ``excess`` is all there was. ``share`` is the part of what all groups together had more.
    """

    dimension: str
    value: str
    calls: int
    errors: int
    cost: int
    usual_calls: float | None
    usual_cost: float | None
    excess: float
    share: float


async def drivers(gateway: Gateway, organization: str, span: Span, metric: Metric) -> list[Driver]:
    """The first of each dimension, by excess. Raises `hooks.Unavailable`."""
    found: list[Driver] = []
    for dimension in DIMENSIONS:
        question = _Question(gateway=gateway, organization=organization, dimension=dimension, metric=metric)
        now = await question.groups(span)
        if now is not None:
            found += _ranked(dimension, now, await question.before(span), metric)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    gateway: Gateway
    organization: str
    dimension: str
    metric: Metric

    async def before(self, span: Span) -> list[Groups]:
        """The same hours of the weeks before; where these are not kept by the dimension, of the days before."""
        for back in (_WEEKS_BACK, _DAYS_BACK):
            known = [await self.groups((span[0] - each, span[1] - each)) for each in back]
            if any(known):
                return [one for one in known if one is not None]
        return []

    async def groups(self, span: Span) -> Groups | None:
        """By value. None where the ledger has sums of whole days only, which do not say what was in these hours."""
        since, until = span
        usage, quantiles = self.gateway.ledger.usage, (QUANTILE,) if self.metric == "latency" else ()
        try:
            found = await usage(
                self.organization, since=since, until=until, group_by=(self.dimension,), quantiles=quantiles
            )
        except ValueError:
            return None
        if self.dimension == "key":
            [all_of_them] = await usage(self.organization, since=since, until=until)
            if all_of_them.calls != sum(one.calls for one in found):
                return None
        return {one.group[self.dimension]: one for one in found}


def _ranked(dimension: str, now: Groups, before: Sequence[Groups], metric: Metric) -> list[Driver]:
    excess = {value: _amount(sums, metric, before, value) for value, sums in now.items()}
    total = sum(one for one in excess.values() if one > 0)
    first = sorted((one for one in excess if excess[one] > 0), key=lambda one: (-excess[one], one))[:_MOST]
    return [
        Driver(
            dimension=dimension,
            value=value,
            calls=now[value].calls,
            errors=now[value].errors,
            cost=now[value].cost_nano_usd,
            usual_calls=_usual(one.calls for one in _of(value, before)),
            usual_cost=_usual(one.cost_nano_usd for one in _of(value, before)),
            excess=excess[value],
            share=excess[value] / total,
        )
        for value in first
    ]


def _amount(sums: Sums, metric: Metric, before: Sequence[Groups], value: str) -> float:
    earlier = _of(value, before)
    if metric == "spend":
        return sums.cost_nano_usd - (_usual(one.cost_nano_usd for one in earlier) or 0.0)
    if metric == "errors":
        return sums.errors - (_usual(one.errors for one in earlier) or 0.0)
    return sums.calls * (_seconds(sums) - (_usual(_seconds(one) for one in earlier if one.calls) or 0.0))


def _of(value: str, before: Sequence[Groups]) -> list[Sums]:
    return [one.get(value, Sums(group={})) for one in before]


def _usual(values: Iterable[float]) -> float | None:
    listed = list(values)
    return median(listed) if listed else None


def _seconds(sums: Sums) -> float:
    return sums.seconds[0] if sums.seconds else 0.0
