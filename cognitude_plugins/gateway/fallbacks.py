"""What comes behind a plan: the deployments of the models that a model's entry names as its fallbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hooks import Deployment, Plan

from .permitted_models import allows
from .providers import Target

if TYPE_CHECKING:
    from .model_settings import Model

Extra = tuple[str, tuple[Target, ...]]
"""A model that is fallen back to, and its targets."""


def behind(
    plan: Plan,
    targets: Mapping[str, Target],
    extras: Sequence[Extra],
    allowed: tuple[str, ...] | None,
    unpriced: Callable[[Deployment], bool] | None,
) -> tuple[Plan, Mapping[str, Target]]:
    """The plan as the routers left it, and behind it what of the fallbacks the caller may use.

    ``allowed`` are the patterns of the caller's key, None for any model.
    """
    there = {one.id for one in plan.deployments}
    added: dict[str, Target] = {}
    names: list[str] = []
    for name, found in extras:
        whole = allowed is None or allows(allowed, name)
        for target in found:
            deployment = target.deployment
            permitted = whole or (allowed is not None and allows(allowed, deployment.model))
            if deployment.id in there or not permitted or (unpriced is not None and unpriced(deployment)):
                continue
            there.add(deployment.id)
            added[deployment.id] = target
            if name not in names:
                names.append(name)
    if not added:
        return plan, targets
    deployments = (*plan.deployments, *(target.deployment for target in added.values()))
    reasons = (*plan.reasons, f"fallbacks: {', '.join(names)}")
    return replace(plan, deployments=deployments, reasons=reasons), {**targets, **added}


def named_fallbacks(models: Sequence[Model]) -> dict[str, tuple[str, ...]]:
    """By name, those of all its entries in the order of the file."""
    named: dict[str, tuple[str, ...]] = {}
    for model in models:
        if model.fallbacks:
            named[model.name] = (*named.get(model.name, ()), *model.fallbacks)
    return named


def order(name: str, fallbacks: Mapping[str, Sequence[str]], candidates: Mapping[str, Sequence[str]]) -> list[str]:
    """The models behind a name: its own fallbacks first, then those of what it stands for, and of those in turn."""
    found: list[str] = []
    left = [*fallbacks.get(name, ())]
    inner = [*candidates.get(name, ())]
    seen = {name}
    while left or inner:
        if not left:
            one = inner.pop(0)
            if one not in seen:
                seen.add(one)
                left += fallbacks.get(one, ())
                inner += candidates.get(one, ())
            continue
        one = left.pop(0)
        if one not in found:
            found.append(one)
            left += fallbacks.get(one, ())
            inner += candidates.get(one, ())
    return found


def loops(
    fallbacks: Mapping[str, Sequence[str]], candidates: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, list[str]]]:
    """Chains that come back to where they began, over fallbacks and what aliases stand for: ``[a, b, a]``.

    One for each name that has fallbacks and is in such a chain. A chain of candidates alone is another problem.
    """
    for start in fallbacks:
        chain = _way_back(start, fallbacks, candidates)
        if chain is not None:
            yield start, chain


def _way_back(
    start: str, fallbacks: Mapping[str, Sequence[str]], candidates: Mapping[str, Sequence[str]]
) -> list[str] | None:
    """The shortest; it leaves ``start`` by a fallback."""
    ways = [[start, one] for one in fallbacks.get(start, ())]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        last = way[-1]
        if last == start:
            return way
        if last not in seen:
            seen.add(last)
            ways += [[*way, one] for one in (*fallbacks.get(last, ()), *candidates.get(last, ()))]
    return None
