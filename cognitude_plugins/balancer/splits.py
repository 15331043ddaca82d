"""Strategies that put some deployments before the others whatever their model's order: regions and arms."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from hooks import Call, Caller, Deployment

from .hashing import place_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """``rank`` of a deployment, lowest first; those at ``worst`` are dropped under ``only``. ``arm`` is the user's."""

    rank: Callable[[Deployment], int]
    worst: int
    label: str = ""
    arm: str | None = None


class Split(Protocol):
    def of(self, call: Call) -> Preference | None:
        """What is preferred for this call; None for nothing."""
        ...


class Regions:
    def __init__(self, regions: Sequence[str]) -> None:
        places = {region: place for place, region in reversed(tuple(enumerate(regions)))}
        worst = len(regions)

        def rank(deployment: Deployment) -> int:
            region = deployment.info.get("region")
            return places.get(region, worst) if isinstance(region, str) else worst

        self._preference = Preference(rank=rank, worst=worst)

    def of(self, call: Call) -> Preference:
        return self._preference


class Arms:
    """``members`` are each arm's deployment ids, ``weights`` its weight, in the same order."""

    def __init__(
        self,
        experiment: str,
        salt: str,
        weights: Mapping[str, float],
        members: Mapping[str, frozenset[str]],
        unit_of: Callable[[Caller], str],
    ) -> None:
        self._seed = (experiment, salt)
        self._unit_of = unit_of
        self._names = tuple(weights)
        total = sum(weights.values())
        self._bounds = [part / total for part in accumulate(weights.values())][:-1]
        self._preferences = {
            name: Preference(rank=_outside(members[name]), worst=1, label=f" {experiment}={name}", arm=name)
            for name in self._names
        }

    def of(self, call: Call) -> Preference:
        return self._preferences[self.arm_of(call.caller.organization, self._unit_of(call.caller))]

    def arm_of(self, organization: str, unit: str) -> str:
        """A function of the names alone: nobody moves while arms and weights are the same."""
        return self._names[bisect_right(self._bounds, place_of(*self._seed, organization, unit))]


def _outside(ids: frozenset[str]) -> Callable[[Deployment], int]:
    return lambda deployment: deployment.id not in ids
