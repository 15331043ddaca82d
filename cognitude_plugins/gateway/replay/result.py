"""What a call came to in a pipeline, or as it was recorded, in the form in which both are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, NamedTuple

from hooks import Deployment, Usage

from ..ledger.rollups import NO_PLUGIN
from ..ledger.row import Row
from ..prices import PriceBook
from .playing import Basis, Given, Playing

OTHER_MODEL: Final = Fraction(1, 4)
"""By so much of its length may another model's answer be shorter or longer: an assumption, not a measurement."""


class Range(NamedTuple):
    """Nano-dollars."""

    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """``cost`` in nano-dollars, None when not known; ``range`` in which it lies. ``basis`` is that of its tokens.

    ``followed``: it was given as recorded, not decided anew. ``guessed``: a router chose by what it does not know.
    """

    status: int
    source: str
    deployment: str | None
    model: str
    cost: int | None
    range: Range
    complete: bool = True
    basis: Basis | None = None
    followed: bool = False
    guessed: bool = False

    @property
    def refused(self) -> bool:
        return self.status >= 400

    @property
    def hit(self) -> bool:
        """A plugin gave the answer."""
        return self.status < 400 and self.source not in NO_PLUGIN

    def decision(self) -> dict[str, Any]:
        """What is the same when nothing has changed."""
        return {"status": self.status, "source": self.source, "deployment": self.deployment, "cost_nano_usd": self.cost}


def recorded(row: Row) -> Result:
    cost = row.cost_nano_usd
    return Result(
        status=row.status,
        source=row.source,
        deployment=row.deployment,
        model=row.model,
        cost=cost,
        range=Range(cost or 0, cost or 0),
        complete=row.complete,
    )


def result_of(playing: Playing, row: Mapping[str, Any], prices: PriceBook) -> Result:
    cost, given = row["cost_nano_usd"], playing.given
    paid = given is not None and row["source"] == "provider"
    return Result(
        status=row["status"],
        source=row["source"],
        deployment=row["deployment"],
        model=row["model"],
        cost=cost,
        range=Range(cost or 0, cost or 0) if given is None or not paid else _range(given, playing, cost, prices),
        complete=row["complete"],
        basis=given.basis if given is not None and paid else None,
        followed=playing.followed,
        guessed=paid and bool(playing.choices),
    )


def _range(given: Given, playing: Playing, cost: int | None, prices: PriceBook) -> Range:
    usage = given.usage
    if cost is None or usage is None:
        return Range(0, 0)
    places = {one.id: one for one in (given.deployment, *playing.choices)}
    ranges = [_at(one, given, usage, cost, prices) for one in places.values()]
    found = [one for one in ranges if one is not None]
    low, high = min(one.low for one in found), max(one.high for one in found)
    return Range(0 if playing.perhaps_kept else low, high)


def _at(deployment: Deployment, given: Given, usage: Usage, cost: int, prices: PriceBook) -> Range | None:
    price = prices.of(deployment)
    if price is None:
        return None if deployment.id != given.deployment.id else Range(cost, cost)
    there = deployment.id == given.deployment.id
    if there and given.basis == "recorded":
        longest = cost if given.longer is None else price.cost(replace(usage, completion_tokens=given.longer))
        return Range(cost, cost if longest is None else max(cost, longest))
    share = Fraction(1) if there and given.basis == "estimated" else OTHER_MODEL
    few, many = (round(usage.completion_tokens * (1 + sign * share)) for sign in (-1, 1))
    shorter = replace(usage, completion_tokens=few, reasoning_tokens=min(few, usage.reasoning_tokens))
    longer = replace(usage, completion_tokens=many, cached_tokens=0)
    low, high = price.cost(shorter), price.cost(longer)
    if given.basis == "estimated":
        low, high = 0, None if high is None else 2 * high
    return None if low is None or high is None else Range(low, max(low, high))
