from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.written import written


def chunk(index: int = 0, **delta: Any) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": index, "delta": delta}]}


def argument(index: int, text: str, **function: str) -> dict[str, Any]:
    return chunk(tool_calls=[{"index": index, "function": {"arguments": text, **function}}])


@pytest.mark.parametrize(
    ("events", "texts"),
    [
        ([], []),
        ([chunk(role="assistant", content="")], [""]),
        ([chunk(content="Hel"), chunk(content="lo")], ["Hello"]),
        ([chunk(0, content="a"), chunk(1, content="b"), chunk(0, content="c")], ["ac", "b"]),
        ([chunk(reasoning_content="Hm"), chunk(content="So"), chunk(refusal="No")], ["Hm", "So", "No"]),
        ([chunk(reasoning="Hm", reasoning_content="Hm")], ["Hm"]),
        ([chunk(reasoning="H"), chunk(reasoning="m")], ["Hm"]),
        ([argument(0, "{", name="f"), argument(1, "[", name="g"), argument(0, "}")], ["f", "{}", "g", "["]),
        ([chunk(function_call={"name": "f", "arguments": "{}"})], ["f", "{}"]),
        ([{"object": "text_completion", "choices": [{"index": 0, "text": "a"}]}] * 2, ["aa"]),
        ([{"choices": [], "usage": {"prompt_tokens": 1}}, {"error": {"message": "no"}}, None, [1], "x"], []),
        (
            [
                {"type": "response.created", "response": {"output": []}},
                {
                    "type": "response.output_item.added",
                    "output_index": 1,
                    "item": {"type": "function_call", "name": "f"},
                },
                {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{}"},
                {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hel"},
                {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "lo"},
                {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "Hello"},
                {
                    "type": "response.output_item.done",
                    "output_index": 1,
                    "item": {"type": "function_call", "name": "f"},
                },
                {"type": "response.completed", "response": {"output": [{"content": [{"text": "Hello"}]}]}},
            ],
            ["f", "{}", "Hello"],
        ),
        (
            [
                {"type": "message_start", "message": {"content": []}},
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
                {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "name": "f"}},
                {
                    "type": "content_block_delta",
                    "index": 1,
                    "delta": {"type": "input_json_delta", "partial_json": "{}"},
                },
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
            ],
            ["Hello", "f", "{}"],
        ),
    ],
)
def test_the_events_of_a_stream_are_joined_by_what_they_belong_to(events: list[Any], texts: list[str]) -> None:
    assert written(events) == texts


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (
            {"choices": [{"index": 0, "message": {"content": "a"}}, {"index": 1, "message": {"content": "b"}}]},
            ["a", "b"],
        ),
        ({"choices": [{"text": "a"}, {"text": "b"}]}, ["a", "b"]),
        (
            {
                "choices": [
                    {"message": {"content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}}
                ]
            },
            ["f", "{}"],
        ),
        (
            {
                "object": "response",
                "output": [
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
                    {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]},
                    {"type": "function_call", "name": "f", "arguments": "{}"},
                ],
            },
            ["Hm", "Hello", "{}", "f"],
        ),
        (
            {
                "type": "message",
                "content": [{"type": "text", "text": "Hello"}, {"type": "tool_use", "name": "f", "input": {"a": 1}}],
            },
            ["Hello", "f", '{"a":1}'],
        ),
        ({"object": "list", "data": [{"embedding": [0.5]}]}, []),
    ],
)
def test_a_whole_answer_has_the_texts_of_all_its_parts(body: dict[str, Any], texts: list[str]) -> None:
    assert written([body]) == texts


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "message",
                    "content",
                    "tool_calls",
                    "function",
                    "name",
                    "type",
                    "item",
                    "output",
                    "index",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(st.lists(values, max_size=4))
def test_whatever_a_provider_sent_nothing_is_raised(events: list[Any]) -> None:
    assert all(isinstance(text, str) for text in written(events))


@pytest.mark.parametrize("kind", [[], {}, 5, None])
def test_a_type_that_is_no_text_is_none(kind: Any) -> None:
    assert written([{"type": kind, "choices": [{"message": {"type": kind, "content": "a"}}]}]) == ["a"]
    assert written([{"choices": [{"delta": {"content": [{"type": kind, "text": "b"}]}}]}]) == ["b"]
