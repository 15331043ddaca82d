"""Weights and costs of deployments."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.balancer.fleet import UNKNOWN, Weights, weight_in
from hooks.testing import FakeVitals

from .fleets import M, asked, deployment, fleet


def test_a_weight_is_the_rules_then_the_entrys_then_one() -> None:
    weights = Weights({"m": 7})
    entry = deployment("m#2", weight=3)
    assert [weights.of(one) for one in (M[0], entry, M[2])] == [7, 3, 1]


@pytest.mark.parametrize("weight", [0, -1, "3", True, float("inf"), float("nan"), [1]])
def test_what_is_no_weight_is_refused(weight: Any) -> None:
    with pytest.raises(ValueError, match=r"info\.weight is a number above 0"):
        weight_in({"weight": weight})


def test_the_costs_are_of_this_call() -> None:
    found = fleet(prices={"m": (2, 3), "m#2": (1, 1)})
    tokens = max(1, len(asked().payload.raw) // 4)
    assert found.costs(asked(), M[:3], 10) == [tokens * 2 + 30, tokens + 10, UNKNOWN]
    limited = asked().set(max_tokens=4)
    prompt = max(1, len(limited.payload.raw) // 4)
    assert found.costs(limited, M[:1], 10) == [prompt * 2 + 12]


def test_an_open_breaker_is_seen_as_it_is_now() -> None:
    vitals = FakeVitals()
    found = fleet({"m": vitals})
    assert not found.is_open(M[0])
    vitals.state = "open"
    assert found.is_open(M[0])
