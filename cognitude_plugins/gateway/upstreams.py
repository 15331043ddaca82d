"""What all calls to providers share: the ways there, how each deployment is doing, and who may still be retried."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from hooks import Call, Deployment, Reply, Traits

from .providers import Provider, Target
from .retry_budget import RetryBudget
from .vitals import VitalsBook

if TYPE_CHECKING:
    from .course import Course

TargetFor = Callable[[str, Target], Target]
"""The target with the credential of an organization in place of the gateway's, if it has one of its own."""

_UNKNOWN = Traits()
_MOST = 10_000


def _cancelled(call: Call, attempt: asyncio.Task[Reply | None], part: Course) -> None:
    attempt.cancel()


def _unknown(deployment: Deployment) -> Traits:
    return _UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstreams:
    """``providers`` by transport. ``target_for`` makes a target the caller's own.

    ``lost`` is given the attempt of a hedged call that came second.
    """

    providers: Mapping[str, Provider]
    vitals: VitalsBook = field(default_factory=VitalsBook)
    target_for: TargetFor | None = None
    traits: Callable[[Deployment], Traits] = _unknown
    lost: Callable[[Call, asyncio.Task[Reply | None], Course], object] = _cancelled
    random: Random = field(default_factory=Random)
    _hedges: dict[tuple[str, str, str], RetryBudget] = field(default_factory=dict)
    _budgets: dict[tuple[str, str, str], RetryBudget] = field(default_factory=dict)

    def budget(self, target: Target) -> RetryBudget:
        """Of whoever is called: a provider at an address, with the gateway's credential or an organization's own."""
        rules = target.care.retries
        return _kept(self._budgets, target, rules.budget_percent, rules.budget_per_second)

    def hedges(self, target: Target) -> RetryBudget:
        """The same for attempts that are made beside another."""
        return _kept(self._hedges, target, target.care.hedging.budget_percent, 0.0)


def _kept(
    budgets: dict[tuple[str, str, str], RetryBudget], target: Target, percent: float, per_second: float
) -> RetryBudget:
    key = (target.deployment.provider, target.base_url or "", target.owner)
    found = budgets.get(key)
    if found is None:
        if len(budgets) >= _MOST:
            del budgets[next(iter(budgets))]
        found = budgets[key] = RetryBudget(percent, per_second)
    return found
