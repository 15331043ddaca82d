"""What all calls to providers share: the ways there, how each deployment is doing, and who may still be retried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from hooks import Deployment, Traits

from .providers import Provider, Target
from .retry_budget import RetryBudget
from .vitals import VitalsBook

TargetFor = Callable[[str, Target], Target]
"""The target with the credential of an organization in place of the gateway's, if it has one of its own."""

_UNKNOWN = Traits()
_MOST = 10_000


def _unknown(deployment: Deployment) -> Traits:
    return _UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstreams:
    """``providers`` by transport. ``target_for`` makes a target the caller's own."""

    providers: Mapping[str, Provider]
    vitals: VitalsBook = field(default_factory=VitalsBook)
    target_for: TargetFor | None = None
    traits: Callable[[Deployment], Traits] = _unknown
    random: Random = field(default_factory=Random)
    _budgets: dict[tuple[str, str, str], RetryBudget] = field(default_factory=dict)

    def budget(self, target: Target) -> RetryBudget:
        """Of whoever is called: a provider at an address, with the gateway's credential or an organization's own."""
        key = (target.deployment.provider, target.base_url or "", target.owner)
        found = self._budgets.get(key)
        if found is None:
            if len(self._budgets) >= _MOST:
                del self._budgets[next(iter(self._budgets))]
            rules = target.care.retries
            found = self._budgets[key] = RetryBudget(rules.budget_percent, rules.budget_per_second)
        return found
