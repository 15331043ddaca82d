"""For what a budget must have room, and what is held so that a call cannot exceed it."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.limiter.bound import Surprises, bounded
from cognitude_plugins.limiter.demand import Demand, demand_of
from hooks import Call, Deployment, Traits
from hooks.testing import FakeGateway, make_call

CHEAP = Deployment(id="cheap", model="m", provider="p", upstream_model="m", transport="direct")
DEAR = Deployment(id="dear", model="m", provider="q", upstream_model="m", transport="direct")
CAP = 100
PROMPT_ONLY = {"cheap": (1, 0), "dear": (1, 0)}
ANSWER_ONLY = {"cheap": (0, 1), "dear": (0, 1)}


def call_of(**fields: Any) -> Call:
    api = fields.pop("api", "chat")
    return make_call({"model": "m", "messages": [{"role": "user", "content": "x" * 400}], **fields}, api=api)


def bound(
    call: Call, prices: Any, traits: Traits | None = None, surprises: Surprises | None = None, *deployments: Deployment
) -> Demand:
    gateway = FakeGateway(prices=prices, fake_traits={} if traits is None else {"cheap": traits, "dear": traits})
    chosen = deployments or (CHEAP,)
    return bounded(demand_of(call, gateway, chosen, CAP), call, gateway, chosen, CAP, surprises or Surprises())


@pytest.mark.parametrize(
    ("fields", "known", "needed", "held"),
    [
        ({"max_tokens": 5000}, None, 5000, 5000),
        ({"max_completion_tokens": 300}, None, 300, 300),
        ({"max_tokens": 50, "n": 3}, None, 150, 150),
        ({"max_tokens": 5000}, 4000, 4000, 4000),
        ({}, 4000, 4000, 4000),
        ({}, None, CAP, 4 * CAP),
        ({"max_output_tokens": 10}, None, CAP, 4 * CAP),
        ({"max_output_tokens": 10, "api": "responses"}, None, 10, 10),
        ({"stream": True, "max_tokens": 5000}, None, CAP, 5000),
        ({"stream": True}, 4000, CAP, 4000),
        ({"stream": True, "max_tokens": 20}, None, 20, 20),
        ({"api": "embeddings", "max_tokens": 20}, 4000, 0, 0),
    ],
)
def test_an_answer_is_as_long_as_was_asked_for_or_as_the_model_can(
    fields: dict[str, Any], known: int | None, needed: int, held: int
) -> None:
    found = bound(call_of(**fields), ANSWER_ONLY, Traits(output_tokens=known))
    assert (found.needed, found.held) == (needed, held)


def test_a_prompt_is_estimated_with_a_margin_and_held_by_its_bytes() -> None:
    call = call_of()
    found = bound(call, PROMPT_ONLY)
    assert found.needed == found.prompt + -(-found.prompt // 4)
    assert found.held == len(call.payload.raw)
    assert bound(call_of(tools=[{"type": "function"}]), PROMPT_ONLY).held > found.held + 1000


@pytest.mark.parametrize(
    "part",
    [
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]},
        {"previous_response_id": "resp_1"},
        {"tools": [{"type": "web_search"}]},
    ],
)
def test_what_is_not_in_the_request_may_fill_the_whole_context(part: dict[str, Any]) -> None:
    assert bound(call_of(**part), PROMPT_ONLY, Traits(context_tokens=9_000)).held == 9_000
    assert bound(call_of(**part), PROMPT_ONLY).held == 131_072


def test_what_a_text_quotes_is_not_taken_for_it() -> None:
    call = call_of(messages=[{"role": "user", "content": 'say {"file_id": "x", "url": "https://a"}'}])
    assert bound(call, PROMPT_ONLY, Traits(context_tokens=9_000)).held == len(call.payload.raw)


def test_no_prompt_is_longer_than_the_context() -> None:
    found = bound(call_of(), PROMPT_ONLY, Traits(context_tokens=50))
    assert (found.needed, found.held) == (50, 50)


def test_the_dearest_deployment_counts_and_no_price_is_nothing() -> None:
    prices = {"cheap": (0, 1), "dear": (0, 7)}
    assert bound(call_of(max_tokens=10), prices, None, None, CHEAP, DEAR).needed == 70
    found = bound(call_of(max_tokens=10), {})
    assert (found.needed, found.held) == (0, 0)


def test_what_was_exceeded_once_is_held_from_then_on_and_fades() -> None:
    surprises = Surprises()
    surprises.note("cheap", 100, 300)
    surprises.note("dear", 100, 90)
    asked = call_of(max_tokens=50)
    assert bound(asked, ANSWER_ONLY, None, surprises).held == 150
    assert bound(asked, ANSWER_ONLY, None, surprises).needed == 50
    assert bound(asked, ANSWER_ONLY, None, surprises, DEAR).held == 50
    for _ in range(200):
        surprises.note("cheap", 100, 90)
    assert bound(asked, ANSWER_ONLY, None, surprises).held == 50
