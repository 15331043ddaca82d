"""Strategies that put the deployments of one model into an order; each sees them as equals but for their weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from hooks import Call, Deployment

from .fleet import Fleet, Weights
from .hashing import rendezvous


class Order(Protocol):
    def of(self, call: Call, among: Sequence[Deployment], *, counts: bool) -> Sequence[Deployment]:
        """All of ``among``, two or more, the best first. The first will be called if it ``counts``: only then may
        the strategy remember it.
        """
        ...


class Weighted:
    """A weighted shuffle: by an exponential variate of each one's weight (Efraimidis and Spirakis 2006)."""

    def __init__(self, weights: Weights, random: Random) -> None:
        self._weights = weights
        self._random = random

    def of(self, call: Call, among: Sequence[Deployment], *, counts: bool) -> Sequence[Deployment]:
        drawn, weight = self._random.expovariate, self._weights.of
        return _sorted(among, [drawn(weight(one)) for one in among])


class RoundRobin:
    """nginx's smooth weighted round-robin, in this process: with weights 5, 1, 1 it is a a b a c a a."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._current: dict[str, float] = {}

    def of(self, call: Call, among: Sequence[Deployment], *, counts: bool) -> Sequence[Deployment]:
        current, weights = self._current, [self._weights.of(one) for one in among]
        raised = [current.get(one.id, 0.0) + weight for one, weight in zip(among, weights, strict=True)]
        if counts:
            for one, value in zip(among, raised, strict=True):
                current[one.id] = value
            first = max(range(len(among)), key=raised.__getitem__)
            current[among[first].id] -= sum(weights)
        return _sorted(among, [-value for value in raised])


class LeastBusy:
    """By the calls under way, this one among them, for each one's weight. There are few, so all are looked at."""

    def __init__(self, fleet: Fleet, weights: Weights, random: Random) -> None:
        self._fleet = fleet
        self._weights = weights
        self._random = random

    def of(self, call: Call, among: Sequence[Deployment], *, counts: bool) -> Sequence[Deployment]:
        vitals, weight, draw = self._fleet.vitals, self._weights.of, self._random.random
        return _sorted(among, [((vitals(one).in_flight + 1) / weight(one), draw()) for one in among])


class Cheapest:
    def __init__(self, fleet: Fleet, completion_tokens: int) -> None:
        self._fleet = fleet
        self._completion_tokens = completion_tokens

    def of(self, call: Call, among: Sequence[Deployment], *, counts: bool) -> Sequence[Deployment]:
        return _sorted(among, self._fleet.costs(call, among, self._completion_tokens))


class Sticky:
    """By rendezvous hashing of what ``key_of`` finds in the call, within its organization."""

    def __init__(self, key_of: Callable[[Call], str], weights: Weights) -> None:
        self._key_of = key_of
        self._weights = weights

    def of(self, call: Call, among: Sequence[Deployment], *, counts: bool) -> Sequence[Deployment]:
        return rendezvous(f"{call.caller.organization}\0{self._key_of(call)}", among, self._weights.of)


def _sorted(among: Sequence[Deployment], keys: Sequence[float] | Sequence[tuple[float, float]]) -> list[Deployment]:
    return [among[index] for index in sorted(range(len(among)), key=keys.__getitem__)]
