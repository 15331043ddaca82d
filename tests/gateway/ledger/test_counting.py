"""Counts against OpenAI's documented examples, and within bounded time whatever is counted."""

from __future__ import annotations

import random
import string
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.counting import (
    EXACT_CHARACTERS,
    answer_tokens,
    completion_tokens,
    prepare,
    prompt_tokens,
    texts_tokens,
)
from cognitude_plugins.gateway.ledger.encodings import O200K, encoding
from hooks import freeze

EXAMPLE = [
    {
        "role": "system",
        "content": "You are a helpful, pattern-following assistant that translates corporate jargon"
        " into plain English.",
    },
    {"role": "system", "name": "example_user", "content": "New synergies will help drive top-line growth."},
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Things working well together will increase revenue.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "Let's circle back when we have more bandwidth to touch base on opportunities for"
        " increased leverage.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Let's talk later when we're less busy about how to do better.",
    },
    {
        "role": "user",
        "content": "This late pivot means we don't have time to boil the ocean for the client deliverable.",
    },
]
"""OpenAI cookbook, "How to count tokens with tiktoken", with what the API itself counted."""

WEATHER = {
    "messages": [
        {
            "role": "system",
            "content": "You are a helpful assistant that can answer to questions about the weather.",
        },
        {"role": "user", "content": "What's the weather like in San Francisco?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "get_current_weather",
                "description": "Get the current weather in a given location",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "location": {
                            "type": "string",
                            "description": "The city and state, e.g. San Francisco, CA",
                        },
                        "unit": {
                            "type": "string",
                            "description": "The unit of temperature to return",
                            "enum": ["celsius", "fahrenheit"],
                        },
                    },
                    "required": ["location"],
                },
            },
        }
    ],
}


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    prepare()


@pytest.mark.parametrize(
    ("model", "messages", "with_tools"), [("gpt-3.5-turbo", 129, 105), ("gpt-4", 129, 105), ("gpt-4o", 124, 101)]
)
def test_prompts_have_as_many_tokens_as_openai_documents(model: str, messages: int, with_tools: int) -> None:
    assert prompt_tokens("chat", {"messages": EXAMPLE}, model) == messages
    assert prompt_tokens("chat", WEATHER, model) == with_tools
    assert prompt_tokens("chat", freeze(WEATHER), model) == with_tools


def hello(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


@pytest.mark.parametrize(
    ("api", "body", "tokens"),
    [
        # 3 to begin the answer, 3 around a message, 1 for its role, 1 for "hello".
        ("chat", hello("hello"), 8),
        ("chat", hello([{"type": "text", "text": "hello"}]), 8),
        ("chat", hello([{"type": "text", "text": "hello"}, {"type": "image_url", "image_url": {"url": "x"}}]), 773),
        ("chat", hello([{"type": "image_url", "image_url": {"url": "x", "detail": "low"}}]), 92),
        ("chat", {"messages": [{"role": "user", "name": "hello", "content": "hello"}]}, 10),
        ("chat", {"messages": []}, 3),
        ("completions", {"prompt": "hello"}, 1),
        ("completions", {"prompt": ["hello", " hello hello"]}, 3),
        ("completions", {"prompt": [15339, 1917]}, 2),
        ("completions", {"prompt": [[15339, 1917], [1]]}, 3),
        ("embeddings", {"input": "hello"}, 1),
        ("embeddings", {"input": ["hello", "hello"]}, 2),
        ("embeddings", {"input": [[1, 2], [3]]}, 3),
        ("responses", {"input": "hello", "instructions": "hello"}, 5),
        ("responses", {"input": [{"role": "user", "content": [{"type": "input_text", "text": "hello"}]}]}, 8),
        ("messages", {"system": "hello", **hello([{"type": "text", "text": "hello"}])}, 9),
    ],
)
def test_each_api_s_prompt_is_found(api: str, body: dict[str, Any], tokens: int) -> None:
    assert prompt_tokens(api, body, "gpt-4o") == tokens


def test_an_inline_image_is_not_counted_as_text() -> None:
    data = "data:image/png;base64," + "A" * 100_000
    body = hello([{"type": "image_url", "image_url": {"url": data}}])
    assert prompt_tokens("chat", body, "gpt-4o") == 7 + 765


def test_tool_calls_and_their_answers_are_part_of_the_prompt() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "hello", "arguments": '{"a": 1}'}}
    body = {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}
    assert prompt_tokens("chat", body, "gpt-4o") == 7 + 1 + completion_tokens('{"a": 1}', "gpt-4o")


def test_functions_of_the_older_kind_and_of_other_apis_count_the_same() -> None:
    tool = WEATHER["tools"][0]["function"]  # type: ignore[index]
    older = {"messages": WEATHER["messages"], "functions": [tool]}
    flat = {"messages": WEATHER["messages"], "tools": [{"type": "function", **tool}]}  # type: ignore[dict-item]
    assert prompt_tokens("chat", older, "gpt-4o") == 101
    assert prompt_tokens("chat", flat, "gpt-4o") == 101


def test_an_answer_is_counted_with_all_its_choices() -> None:
    choices = [{"index": n, "message": {"role": "assistant", "content": "hello hello"}} for n in range(3)]
    assert answer_tokens({"choices": choices}, "gpt-4o") == 6
    assert answer_tokens({"object": "list", "data": [{"embedding": [0.1]}]}, "gpt-4o") == 0
    assert answer_tokens(None, "gpt-4o") == 0


def test_a_text_is_counted_as_tiktoken_counts_it() -> None:
    exact = encoding(O200K)
    assert exact is not None
    text = "".join(random.Random(1).choices(string.printable, k=EXACT_CHARACTERS))
    assert completion_tokens(text, "gpt-4o") == len(exact.encode_ordinary(text))
    assert completion_tokens("", "gpt-4o") == 0


def test_longer_text_is_scaled_up_within_two_percent() -> None:
    exact = encoding(O200K)
    assert exact is not None
    chosen = random.Random(2)
    words = ["".join(chosen.choices(string.ascii_lowercase, k=chosen.randint(1, 9))) for _ in range(5_000)]
    text = " ".join(chosen.choices(words, k=30_000)) + "日本語の文章です。" * 9_000 + "0.5, " * 9_000
    counted = completion_tokens(text, "gpt-4o")
    assert len(text) > 4 * EXACT_CHARACTERS
    assert abs(counted / len(exact.encode_ordinary(text)) - 1) < 0.02


def quickest(work: Callable[[], object]) -> float:
    """CPU seconds of the quickest of three runs: other work on the machine makes some slow."""
    times = []
    for _ in range(3):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


LETTERS = "".join(random.Random(3).choices(string.ascii_lowercase, k=1_000_000))
DEEP: dict[str, Any] = {"role": "user", "content": "x"}
for _ in range(50_000):
    DEEP = {"role": "user", "content": [DEEP]}


NUMBERS = list(range(1_000_000))
"""To make them takes longer than to count them."""


@pytest.mark.parametrize(
    "work",
    [
        lambda: completion_tokens("a" * 1_000_000, "gpt-4o"),
        lambda: completion_tokens(LETTERS, "gpt-4o"),
        lambda: completion_tokens(LETTERS[:EXACT_CHARACTERS], "gpt-4"),
        lambda: completion_tokens(" " * 1_000_000, "gpt-4"),
        lambda: completion_tokens("👩‍👩‍👧‍👦" * 200_000, "gpt-4"),
        lambda: texts_tokens(["a"] * 1_000_000, "gpt-4o"),
        lambda: texts_tokens(["a"] * EXACT_CHARACTERS, "gpt-4o"),
        lambda: prompt_tokens("chat", hello([{"type": "text", "text": "a"}] * 300_000), "gpt-4o"),
        lambda: prompt_tokens("chat", {"messages": EXAMPLE * 2_000}, "gpt-4o"),
        lambda: prompt_tokens("chat", {"messages": [DEEP]}, "gpt-4o"),
        lambda: prompt_tokens("embeddings", {"input": NUMBERS}, "gpt-4o"),
        lambda: prompt_tokens("completions", {"prompt": [[1]] * 1_000_000}, "gpt-4o"),
    ],
)
def test_no_input_takes_longer_than_fifty_milliseconds(work: Callable[[], int]) -> None:
    assert work() > 0
    assert quickest(work) < 0.05


def test_what_is_not_looked_at_is_scaled_up() -> None:
    body = hello([{"type": "text", "text": "hello"}] * 100_000)
    assert abs(prompt_tokens("chat", body, "gpt-4o") / 100_000 - 1) < 0.05


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
names = st.sampled_from(["messages", "input", "tools", "functions", "prompt", "system", "response_format", "text"])
parts = st.dictionaries(
    st.sampled_from(["role", "content", "name", "type", "text", "function", "parameters", "properties", "enum"]),
    json_values,
)


@given(
    st.sampled_from(["chat", "completions", "embeddings", "responses", "messages"]),
    st.dictionaries(names, json_values | st.lists(parts, max_size=3)),
)
def test_a_body_of_any_shape_is_counted(api: str, body: dict[str, Any]) -> None:
    assert prompt_tokens(api, body, "gpt-4o") >= 0
