"""Which calls are of one conversation."""

from __future__ import annotations

from typing import Any

from cognitude_plugins.balancer.conversations import conversation_of
from hooks.testing import make_call

SYSTEM = {"role": "system", "content": "Be brief."}
FIRST = {"role": "user", "content": "What is a plan?"}
IMAGE = {
    "role": "user",
    "content": [{"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": "x"}],
}


def of(body: dict[str, Any], **options: Any) -> str:
    return conversation_of(make_call({"model": "m", **body}, **options))


def test_it_is_named_by_header_metadata_or_cache_key_in_this_order() -> None:
    body = {"metadata": {"conversation_id": "meta"}, "prompt_cache_key": "cache", "messages": [FIRST]}
    assert of(body, headers={"x-conversation-id": "head"}) == "c:head"
    assert of(body) == "c:meta"
    assert of({"prompt_cache_key": "cache", "messages": [FIRST]}) == "c:cache"


def test_it_stays_the_same_while_it_grows() -> None:
    short = of({"messages": [SYSTEM, FIRST]})
    assert of({"messages": [SYSTEM, FIRST, {"role": "assistant", "content": "A list."}, IMAGE]}) == short
    assert of({"messages": [SYSTEM, {"role": "user", "content": "Other"}]}) != short
    assert of({"messages": [FIRST]}) != short


def test_every_api_has_a_beginning() -> None:
    bodies: list[dict[str, Any]] = [
        {"prompt": "Once"},
        {"input": "Once upon"},
        {"input": ["a", "b"]},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}], "instructions": "Be brief."},
        {"system": [{"type": "text", "text": "Be brief."}], "messages": [FIRST]},
        {"messages": [IMAGE]},
    ]
    assert len({of(body) for body in bodies}) == len(bodies)


def test_what_is_strange_is_no_failure() -> None:
    for body in ({}, {"messages": []}, {"messages": [1]}, {"messages": [{}]}, {"prompt": [1, 2]}, {"metadata": 1}):
        assert of(body).startswith("p:")


def test_of_a_long_prompt_only_the_beginning_is_looked_at() -> None:
    assert len(of({"messages": [{"role": "user", "content": "x" * 1_000_000}]})) < 5000
