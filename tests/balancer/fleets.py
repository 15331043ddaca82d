"""Deployments, gateways and plans to test strategies with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from cognitude_plugins.balancer.fleet import Fleet
from hooks import Call, Deployment, Plan
from hooks.testing import FakeGateway, FakeVitals, make_call

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
"""A Wednesday."""


def deployment(id: str, *, model: str | None = None, **info: Any) -> Deployment:
    return Deployment(
        id=id,
        model=model or id.partition("#")[0],
        provider="simulated",
        upstream_model="echo",
        transport="simulated",
        info=info,
    )


def deployments(*ids: str) -> tuple[Deployment, ...]:
    return tuple(deployment(id) for id in ids)


M = deployments("m", "m#2", "m#3", "m#4")
"""Four of one model."""


def plan(*ids: str) -> Plan:
    return Plan(deployments=deployments(*ids))


def ids(found: Plan | Sequence[Deployment] | None) -> list[str]:
    assert found is not None
    return [one.id for one in (found.deployments if isinstance(found, Plan) else found)]


def models(*found: Deployment) -> dict[str, tuple[Deployment, ...]]:
    by_name: dict[str, tuple[Deployment, ...]] = {}
    for one in found:
        by_name[one.model] = (*by_name.get(one.model, ()), one)
    return by_name


def fleet(vitals: Mapping[str, FakeVitals] | None = None, **options: Any) -> Fleet:
    return Fleet(FakeGateway(fake_vitals=dict(vitals or {}), **options))


def user(name: str, **options: Any) -> Call:
    return make_call({"model": "m", "messages": [{"role": "user", "content": "Hello"}]}, user=name, **options)


def asked(model: str = "m", **options: Any) -> Call:
    return make_call({"model": model, "messages": [{"role": "user", "content": "Hello"}]}, **options)


def seeded(seed: int = 1) -> Random:
    return Random(seed)


def shares(firsts: Iterable[str]) -> dict[str, float]:
    found = list(firsts)
    return {one: found.count(one) / len(found) for one in sorted(set(found))}
