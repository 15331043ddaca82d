"""The usage of each provider's API, as their documentation shows it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks import Usage, freeze

EXAMPLES = {
    "OpenAI chat": (
        {
            "service_tier": "default",
            "usage": {
                "prompt_tokens": 2006,
                "completion_tokens": 300,
                "total_tokens": 2306,
                "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
                "completion_tokens_details": {
                    "reasoning_tokens": 120,
                    "audio_tokens": 0,
                    "accepted_prediction_tokens": 0,
                    "rejected_prediction_tokens": 0,
                },
            },
        },
        Usage(prompt_tokens=2006, completion_tokens=300, cached_tokens=1920, reasoning_tokens=120),
    ),
    "OpenAI embeddings": ({"usage": {"prompt_tokens": 8, "total_tokens": 8}}, Usage(prompt_tokens=8)),
    "OpenAI responses": (
        {
            "object": "response",
            "usage": {
                "input_tokens": 81,
                "input_tokens_details": {"cached_tokens": 64},
                "output_tokens": 1035,
                "output_tokens_details": {"reasoning_tokens": 832},
                "total_tokens": 1116,
            },
        },
        Usage(prompt_tokens=81, completion_tokens=1035, cached_tokens=64, reasoning_tokens=832),
    ),
    "OpenAI responses, the stream's last event": (
        {
            "type": "response.completed",
            "response": {
                "service_tier": "flex",
                "output": [{"type": "web_search_call"}, {"type": "message"}],
                "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 4},
            },
        },
        Usage(prompt_tokens=3, completion_tokens=4, apart=("flex", "search")),
    ),
    "OpenAI audio": (
        {
            "usage": {
                "prompt_tokens": 30,
                "completion_tokens": 50,
                "prompt_tokens_details": {"audio_tokens": 10},
                "completion_tokens_details": {"audio_tokens": 40},
            }
        },
        Usage(prompt_tokens=30, completion_tokens=50, apart=("audio",)),
    ),
    "Anthropic messages: input_tokens are without the cache's": (
        {
            "type": "message",
            "usage": {
                "input_tokens": 75,
                "cache_creation_input_tokens": 1028,
                "cache_read_input_tokens": 20_000,
                "cache_creation": {"ephemeral_5m_input_tokens": 1028, "ephemeral_1h_input_tokens": 0},
                "output_tokens": 503,
                "service_tier": "standard",
            },
        },
        Usage(prompt_tokens=21_103, completion_tokens=503, cached_tokens=20_000, cache_write_tokens=1028),
    ),
    "Anthropic messages, cached for an hour and searched": (
        {
            "usage": {
                "input_tokens": 1,
                "cache_creation_input_tokens": 10,
                "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 10},
                "output_tokens": 2,
                "server_tool_use": {"web_search_requests": 1},
                "service_tier": "priority",
            }
        },
        Usage(
            prompt_tokens=11,
            completion_tokens=2,
            cache_write_tokens=10,
            apart=("cache_write_1h", "priority", "search"),
        ),
    ),
    "Anthropic messages, fast and in one region": (
        {"usage": {"input_tokens": 1, "output_tokens": 2, "speed": "fast", "inference_geo": "us"}},
        Usage(prompt_tokens=1, completion_tokens=2, apart=("fast", "geo")),
    ),
    "Anthropic messages, in no particular region": (
        {"usage": {"input_tokens": 1, "output_tokens": 2, "speed": "standard", "inference_geo": "global"}},
        Usage(prompt_tokens=1, completion_tokens=2),
    ),
    "Anthropic messages, cached for both times": (
        {
            "usage": {
                "input_tokens": 0,
                "cache_creation_input_tokens": 10,
                "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 6},
                "output_tokens": 0,
            }
        },
        Usage(prompt_tokens=10, cache_write_tokens=10, apart=("cache_write_mixed",)),
    ),
    "Anthropic messages, the stream's first event": (
        {
            "type": "message_start",
            "message": {"usage": {"input_tokens": 4, "cache_read_input_tokens": 8, "output_tokens": 1}},
        },
        Usage(prompt_tokens=12, completion_tokens=1, cached_tokens=8),
    ),
    "LiteLLM of Anthropic: prompt_tokens are with the cache's": (
        {
            "usage": {
                "prompt_tokens": 21_103,
                "completion_tokens": 503,
                "total_tokens": 21_606,
                "cache_creation_input_tokens": 1028,
                "cache_read_input_tokens": 20_000,
                "prompt_tokens_details": {"cached_tokens": 20_000, "cache_creation_tokens": 1028, "text_tokens": 75},
            }
        },
        Usage(prompt_tokens=21_103, completion_tokens=503, cached_tokens=20_000, cache_write_tokens=1028),
    ),
    "DeepSeek": (
        {
            "usage": {
                "prompt_tokens": 1000,
                "completion_tokens": 250,
                "total_tokens": 1250,
                "prompt_cache_hit_tokens": 896,
                "prompt_cache_miss_tokens": 104,
                "completion_tokens_details": {"reasoning_tokens": 200},
            }
        },
        Usage(prompt_tokens=1000, completion_tokens=250, cached_tokens=896, reasoning_tokens=200),
    ),
    "Moonshot": (
        {"usage": {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25, "cached_tokens": 16}},
        Usage(prompt_tokens=20, completion_tokens=5, cached_tokens=16),
    ),
    "Groq, the stream's last event": (
        {"choices": [], "x_groq": {"id": "req", "usage": {"prompt_tokens": 18, "completion_tokens": 556}}},
        Usage(prompt_tokens=18, completion_tokens=556),
    ),
    "xAI: completion_tokens are without the reasoning's": (
        {
            "usage": {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 135,
                "prompt_tokens_details": {"text_tokens": 32, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 6},
                "completion_tokens_details": {"reasoning_tokens": 94, "audio_tokens": 0},
                "num_sources_used": 0,
            }
        },
        Usage(prompt_tokens=32, completion_tokens=103, cached_tokens=6, reasoning_tokens=94),
    ),
    "xAI with live search": (
        {"usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "num_sources_used": 2}},
        Usage(prompt_tokens=3, completion_tokens=4, apart=("search",)),
    ),
    "Perplexity": (
        {"usage": {"prompt_tokens": 3, "completion_tokens": 4, "num_search_queries": 1, "reasoning_tokens": 2}},
        Usage(prompt_tokens=3, completion_tokens=4, reasoning_tokens=2, apart=("search",)),
    ),
}


@pytest.mark.parametrize(("body", "usage"), EXAMPLES.values(), ids=EXAMPLES.keys())
def test_usage_means_the_same_whoever_reports_it(body: dict[str, Any], usage: Usage) -> None:
    assert Usage.of(body) == usage
    assert Usage.of(freeze(body)) == usage


@pytest.mark.parametrize(
    "body",
    [
        {"usage": {"prompt_tokens": 3, "completion_tokens": 4}, "service_tier": service}
        for service in (None, "default", "auto", "on_demand", "standard", 7)
    ],
)
def test_the_ordinary_service_tier_is_not_worth_a_word(body: dict[str, Any]) -> None:
    assert Usage.of(body) == Usage(prompt_tokens=3, completion_tokens=4)


def test_reasoning_is_added_only_where_the_total_says_that_it_is_missing() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "completion_tokens_details": {"reasoning_tokens": 15}}
    for total, completion in ((45, 35), (30, 20), (44, 20), (None, 20)):
        found = Usage.of({"usage": {**usage, "total_tokens": total}})
        assert found == Usage(prompt_tokens=10, completion_tokens=completion, reasoning_tokens=15)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "usage",
                        "response",
                        "message",
                        "x_groq",
                        "output",
                        "prompt_tokens",
                        "input_tokens",
                        "total_tokens",
                    ),
                    *("prompt_tokens_details", "input_tokens_details", "cache_creation", "cached_tokens"),
                    *("completion_tokens_details", "reasoning_tokens", "server_tool_use", "service_tier"),
                    *("cache_read_input_tokens", "cache_creation_token_details", "ephemeral_1h_input_tokens"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
)


@given(values)
def test_whatever_a_provider_sent_no_count_is_negative_and_no_part_more_than_its_whole(body: Any) -> None:
    usage = Usage.of(body)
    if usage is not None:
        assert min(usage.cached_tokens, usage.cache_write_tokens, usage.reasoning_tokens) >= 0
        assert usage.cached_tokens + usage.cache_write_tokens <= usage.prompt_tokens
        assert usage.reasoning_tokens <= usage.completion_tokens
        assert list(usage.apart) == sorted(set(usage.apart))


@pytest.mark.parametrize("count", [2**31, 2**63, -1, True, 1.0, "1"])
def test_a_number_that_no_call_can_have_is_no_count(count: Any) -> None:
    assert Usage.of({"usage": {"prompt_tokens": count, "completion_tokens": count}}) is None
    assert Usage.of({"usage": {"prompt_tokens": 2**31 - 1, "completion_tokens": count}}) is None
    assert Usage.of({"usage": {"prompt_tokens": count, "completion_tokens": 2**31 - 1}}) is None


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"message": {}}], "usage": {"prompt_tokens": 9}},
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": None}},
        {"choices": [], "usage": {"completion_tokens": 5}},
        {"choices": [], "x_groq": {"usage": {"prompt_tokens": 9}}},
        {"output": [], "usage": {"input_tokens": 9}},
        {"type": "response.completed", "response": {"usage": {"input_tokens": 9}}},
        {"content": [], "usage": {"input_tokens": 9}},
        {"data": [], "usage": {"total_tokens": 9}},
    ],
)
def test_half_of_a_usage_is_none(body: dict[str, Any]) -> None:
    assert Usage.of(body) is None


def test_a_part_is_not_more_than_its_whole() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 8, "cache_creation_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 9},
    }
    assert Usage.of({"usage": usage}) == Usage(
        prompt_tokens=10, completion_tokens=2, cached_tokens=8, cache_write_tokens=2, reasoning_tokens=2
    )
