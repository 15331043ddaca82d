"""What a call wants of the router."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.complexity_router.wishes import Wishes, wished
from hooks import Reply

OWN = Wishes(optimize_for="quality", min_quality=0.9, max_latency_ms=500, max_cost_nano_usd=7)


def test_the_aliases_settings_hold_where_the_call_says_nothing() -> None:
    assert wished(OWN, None) == OWN
    assert wished(OWN, {}) == OWN


def test_what_the_call_says_wins_each_member_for_itself() -> None:
    assert wished(OWN, {"optimize_for": "cost", "report": True}) == Wishes(
        optimize_for="cost", min_quality=0.9, max_latency_ms=500, max_cost_nano_usd=7, report=True
    )
    asked = wished(OWN, {"max_cost": 0.002, "min_quality": 0.5, "max_latency_ms": 50})
    assert asked == Wishes(
        optimize_for="quality", min_quality=0.5, max_latency_ms=50, max_cost_nano_usd=2_000_000, report=False
    )
    assert isinstance(asked, Wishes)
    assert asked.tolerance == 0.5


@pytest.mark.parametrize(
    ("given", "param", "said"),
    [
        ({"optimize_for": "speed"}, "routing.optimize_for", "'cost', 'latency' or 'quality', not 'speed'"),
        ({"max_latency_ms": -1}, "routing.max_latency_ms", "greater than 0"),
        ({"max_latency_ms": "soon"}, "routing.max_latency_ms", "number"),
        ({"min_quality": 2}, "routing.min_quality", "less than or equal to 1"),
        ({"max_cost": 0}, "routing.max_cost", "greater than 0"),
        ({"max_cost": 1e300}, "routing.max_cost", "less than or equal to 1000000"),
        ({"cheap": True}, "routing.cheap", "there is no 'cheap' to be set here"),
        ("cost", "routing", "object"),
        ([], "routing", "object"),
    ],
)
def test_what_is_wrong_is_a_400_that_names_it(given: Any, param: str, said: str) -> None:
    refused = wished(OWN, given)
    assert isinstance(refused, Reply)
    assert refused.status == 400
    error = refused.body["error"]
    assert error["param"] == param
    assert said in error["message"]
