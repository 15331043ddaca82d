"""The events of a stream, put together into the answer they would have been."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from hooks.assemble import assemble
from hooks.testing import chunks_of, completion

HEAD = {"id": "c-1", "object": "chat.completion.chunk", "created": 5, "model": "m"}


def events(*deltas: Any, index: int = 0) -> list[dict[str, Any]]:
    return [{**HEAD, "choices": [{"index": index, "delta": delta, "finish_reason": None}]} for delta in deltas]


def message(*deltas: Any) -> dict[str, Any]:
    whole = assemble(events(*deltas))
    assert whole is not None
    found: dict[str, Any] = whole["choices"][0]["message"]
    return found


def test_no_events_are_no_answer() -> None:
    assert assemble([]) is None


def test_text_is_joined_and_the_stream_becomes_a_completion() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    whole = assemble(chunks_of("Hel", "lo", usage=usage))
    wanted = completion()
    del wanted["choices"][0]["logprobs"]
    assert whole == wanted


def test_parallel_tool_calls_are_joined_by_their_index() -> None:
    found = message(
        {"role": "assistant", "content": None, "tool_calls": None, "function_call": None},
        {"tool_calls": [{"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": None}}]},
        {"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"x"'}}, {"index": 1, "function": {"arguments": "{"}}]},
        {"tool_calls": [{"index": 1, "id": None, "function": {"name": None, "arguments": "}"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
        {"tool_calls": []},
    )
    assert found == {
        "role": "assistant",
        "content": None,
        "function_call": None,
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ],
    }


def test_an_old_function_call_is_joined() -> None:
    found = message({"function_call": {"name": "f", "arguments": "{"}}, {"function_call": {"arguments": "}"}})
    assert found == {"content": None, "function_call": {"name": "f", "arguments": "{}"}}


def test_refusals_and_reasoning_are_joined_like_text() -> None:
    found = message({"role": "assistant", "refusal": "I "}, {"refusal": "cannot", "reasoning": "a"}, {"reasoning": "b"})
    assert found == {"role": "assistant", "refusal": "I cannot", "reasoning": "ab", "content": None}


def test_log_probabilities_are_joined_also_behind_a_null() -> None:
    parts: list[Any] = [None, {"content": [{"token": "a"}], "refusal": None}, {"content": [{"token": "b"}]}, None]
    chunks = [{**HEAD, "choices": [{"index": 0, "delta": {}, "logprobs": part}]} for part in parts]
    before = copy.deepcopy(chunks)
    whole = assemble(chunks)
    assert whole is not None
    assert whole["choices"][0]["logprobs"] == {"content": [{"token": "a"}, {"token": "b"}], "refusal": None}
    assert chunks == before


def test_several_choices_stand_in_the_order_of_their_index() -> None:
    whole = assemble(
        [*events({"content": "b"}, index=1), *events({"content": "a"}), *events({"content": "B"}, index=1)]
    )
    assert whole is not None
    assert [(one["index"], one["message"]["content"]) for one in whole["choices"]] == [(0, "a"), (1, "bB")]


def test_legacy_completions_are_joined_too() -> None:
    head = {"id": "t", "object": "text_completion", "model": "m"}
    logprobs = [{"tokens": ["a"], "token_logprobs": [-1]}, {"tokens": ["b"], "token_logprobs": [-2]}]
    texts = ["a", "b"]
    parts = zip(texts, logprobs, strict=True)
    whole = assemble([{**head, "choices": [{"index": 0, "text": text, "logprobs": one}]} for text, one in parts])
    joined = {"tokens": ["a", "b"], "token_logprobs": [-1, -2]}
    assert whole == {**head, "choices": [{"index": 0, "text": "ab", "logprobs": joined}]}


def test_of_unknown_fields_the_last_that_is_not_null_stands() -> None:
    chunks = events({"content": "a", "audio": {"id": 1}}, {"content": None, "audio": None})
    chunks[0] |= {"citations": ["x"], "service_tier": "default"}
    chunks[1] |= {"citations": None, "service_tier": "flex"}
    whole = assemble(chunks)
    assert whole is not None
    assert (whole["citations"], whole["service_tier"]) == (["x"], "flex")
    assert whole["choices"][0]["message"] == {"content": "a", "audio": {"id": 1}}


def test_an_error_in_the_middle_is_the_answer() -> None:
    error = {"message": "overloaded", "type": "server_error"}
    assert assemble([*chunks_of("Hel"), {"error": error}]) == {"error": error}


def test_events_of_another_kind_get_no_fields_they_did_not_have() -> None:
    assert assemble([{"type": "a", "x": 1}, {"type": "b"}]) == {"type": "b", "x": 1}


KEYS = [
    "choices",
    "delta",
    "index",
    "tool_calls",
    "function",
    "arguments",
    "function_call",
    "text",
    "logprobs",
    "content",
]
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a"])
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYS, "message", "object"]), inner, max_size=4)
    ),
    max_leaves=25,
)
OBJECTS = st.dictionaries(st.sampled_from([*KEYS, "error", "object", "role"]), JSON, max_size=4)
DELTAS = OBJECTS.map(lambda delta: {**HEAD, "choices": [{"index": 0, "delta": delta}]})


@given(st.lists(OBJECTS | DELTAS, max_size=5))
def test_whatever_a_provider_sends_nothing_is_raised_nor_changed(chunks: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(chunks)
    whole = assemble(chunks)
    assert chunks == before
    assert (whole is None) == (chunks == [])


def test_a_long_answer_is_joined_in_linear_time() -> None:
    whole = assemble(chunks_of(*["word "] * 50_000))
    assert whole is not None
    assert len(whole["choices"][0]["message"]["content"]) == 250_000


TOOLS = st.lists(
    st.tuples(st.integers(0, 2), st.text("ab", min_size=1, max_size=3)).map(
        lambda pair: {"tool_calls": [{"index": pair[0], "function": {"arguments": pair[1]}}]}
    ),
    max_size=6,
)
OPENING = [
    {
        "tool_calls": [
            {"index": index, "id": f"t{index}", "type": "function", "function": {"name": "f", "arguments": ""}}
        ]
    }
    for index in range(3)
]


@given(st.lists(st.text(min_size=1, max_size=3), max_size=5), TOOLS)
def test_the_openai_client_puts_the_same_answer_together(texts: list[str], tools: list[dict[str, Any]]) -> None:
    deltas = [{"role": "assistant", "content": ""}, *({"content": text} for text in texts), *OPENING, *tools]
    chunks = [*events(*deltas), {**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}]
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    theirs = state.current_completion_snapshot.model_dump(exclude_unset=True)["choices"][0]
    ours = (assemble(chunks) or {})["choices"][0]
    assert ours["message"]["content"] == theirs["message"]["content"] == "".join(texts)
    for mine, other in zip(ours["message"]["tool_calls"], theirs["message"]["tool_calls"], strict=True):
        assert mine["id"] == other["id"]
        assert mine["function"]["name"] == other["function"]["name"]
        assert mine["function"]["arguments"] == other["function"]["arguments"]
    assert ours["finish_reason"] == theirs["finish_reason"]
