"""What is reserved before a call, and what counts as used after it."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.limiter.demand import Demand, demand_of, used
from hooks import Deployment, Outcome, Usage
from hooks.testing import FakeGateway, make_call

CHEAP = Deployment(id="cheap", model="m", provider="p", upstream_model="m", transport="direct")
DEAR = Deployment(id="dear", model="m", provider="q", upstream_model="m", transport="direct")
RESERVED = Demand(prompt=10, completion=90, cost=500)


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "x" * 40}], **fields}


@pytest.mark.parametrize(
    ("fields", "completion"),
    [
        ({}, 256),
        ({"max_tokens": 100}, 100),
        ({"max_completion_tokens": 50, "max_tokens": 100}, 50),
        ({"max_tokens": 100_000}, 256),
        ({"max_tokens": 100, "n": 3}, 300),
        ({"max_tokens": 0}, 0),
        ({"max_tokens": None}, 256),
        ({"max_tokens": "100"}, 256),
        ({"max_tokens": -1}, 256),
        ({"max_tokens": True, "n": True}, 256),
    ],
)
def test_an_answer_is_expected_as_long_as_it_may_get_up_to_a_cap(fields: dict[str, Any], completion: int) -> None:
    demand = demand_of(make_call(body(**fields)), FakeGateway(), (), 256)
    assert demand.completion == completion
    assert demand.prompt > 0
    assert demand.tokens == demand.prompt + completion


def test_the_dearest_deployment_that_has_a_price_is_reserved_for() -> None:
    gateway = FakeGateway(prices={"cheap": (1, 2), "dear": (10, 20)})
    call = make_call(body(max_tokens=100))
    prompt = gateway.prompt_tokens(call)
    demand = demand_of(call, gateway, (CHEAP, DEAR), 256)
    assert demand.cost == prompt * 10 + 100 * 20
    unknown = demand_of(call, FakeGateway(), (CHEAP,), 256)
    assert unknown.cost == 0


def outcome(**fields: Any) -> Outcome:
    return Outcome(**{"status": 200, "source": "provider", "complete": True, "deployment": CHEAP, **fields})


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (outcome(usage=Usage(prompt_tokens=5, completion_tokens=6), cost_nano_usd=70), (11, 70)),
        (outcome(usage=Usage(prompt_tokens=5, completion_tokens=2, reported=False), complete=False), (7, 500)),
        (outcome(source="cache", deployment=None, cost_nano_usd=0), (0, 0)),
        (outcome(source="error", status=502, cost_nano_usd=0), (0, 0)),
        (outcome(status=400, cost_nano_usd=0), (0, 0)),
        (outcome(complete=False, error="client_disconnect"), (100, 500)),
        (outcome(source="error", status=499, deployment=None), (0, 0)),
    ],
    ids=["reported", "aborted", "cache", "failed", "refused", "unknown", "left before"],
)
def test_what_counts_as_used(ended: Outcome, expected: tuple[int, int]) -> None:
    assert used(ended, RESERVED) == expected
