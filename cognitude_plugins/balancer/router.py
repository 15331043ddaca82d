"""One rule's decision: a plan ordered, the choice of models that came with it kept.

A plan is taken apart into groups that are equals to the rule: of one model, and of one region, arm or canary. Within a
group the rule's order decides; the groups stay in the order of (place of the model in the plan, preference), or with
``across`` of the preference alone. So a router above in the list that has put models into an order is not undone. Only
the arms of an experiment between models come before that: (preference, place of the model).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hooks import Call, Deployment, Plan

from .fleet import Fleet
from .orders import Order
from .splits import Preference, Split

Rank = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """``arm`` is the one that the plan's first deployment is of, if the call is part of an experiment."""

    plan: Plan
    arm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """``why`` is its reason in words: of names in the configuration only, nothing of the call."""

    fleet: Fleet
    order: Order
    why: str
    split: Split | None = None
    across: bool = False
    between_models: bool = False
    only: bool = False

    def route(self, call: Call, plan: Plan) -> Routed | None:
        """None where there is nothing to choose."""
        preferred = None if self.split is None else self.split.of(call)
        if preferred is not None and self.only:
            plan = self._kept(plan, preferred)
        if len(plan.deployments) < 2:
            return None if preferred is None else self._routed(plan, preferred)
        groups = _groups(plan.deployments, preferred, self.across, self.between_models)
        counts, ordered = not call.dry_run, list[Deployment]()
        for group in groups:
            ordered += self._ordered(call, group, counts)
            counts = False
        why = self.why if preferred is None or not preferred.label else self.why + preferred.label
        plan = plan.rank(_place_in(ordered), why=why)
        return Routed(plan=plan) if preferred is None else self._routed(plan, preferred)

    def _ordered(self, call: Call, group: Sequence[Deployment], counts: bool) -> Sequence[Deployment]:
        """Those whose breaker is open come last, and are no part of the choice."""
        if len(group) < 2:
            return group
        away = [one for one in group if self.fleet.is_open(one)]
        if not away:
            return self.order.of(call, group, counts=counts)
        there = [one for one in group if one not in away]
        return [*(self.order.of(call, there, counts=counts) if len(there) > 1 else there), *away]

    def _kept(self, plan: Plan, preferred: Preference) -> Plan:
        rank, worst = preferred.rank, preferred.worst
        if all(rank(one) < worst for one in plan.deployments):
            return plan
        return plan.keep(lambda one: rank(one) < worst, why=f"{self.why} only")

    @staticmethod
    def _routed(plan: Plan, preferred: Preference) -> Routed | None:
        first = plan.deployments[0] if plan.deployments else None
        taken = first is not None and preferred.rank(first) == 0
        return Routed(plan=plan, arm=preferred.arm if taken else None)


def _groups(
    deployments: Sequence[Deployment], preferred: Preference | None, across: bool, between_models: bool
) -> Sequence[Sequence[Deployment]]:
    first = deployments[0].model
    one_model = across or all(one.model == first for one in deployments)
    if preferred is None and one_model:
        return (deployments,)
    models = dict.fromkeys(one.model for one in deployments)
    places = dict.fromkeys(models, 0) if one_model else {model: place for place, model in enumerate(models)}
    groups: dict[Rank, list[Deployment]] = {}
    for one in deployments:
        place = (places[one.model], 0 if preferred is None else preferred.rank(one))
        groups.setdefault(place[::-1] if between_models else place, []).append(one)
    return [groups[place] for place in sorted(groups)]


def _place_in(ordered: Sequence[Deployment]) -> Callable[[Deployment], int]:
    places = {one.id: place for place, one in enumerate(ordered)}
    return lambda one: places[one.id]
