"""Streams: placeholders cut anywhere, in several texts at once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.redact.restore import Restorer
from cognitude_plugins.redact.stream import StreamRestorer
from hooks.assemble import assemble

VALUES = {"[EMAIL_1]": "ada@example.com", "[KEY_1]": '-"a\\b"\n-', "[KEY_10]": "ten"}
RESTORER = Restorer(VALUES)
HEAD = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "sim"}
ANSWERS = st.lists(
    st.sampled_from([*VALUES, "[EMAIL_2]", "[EMA", "[KEY_1", "[", "]", "1]", " "]) | st.text(max_size=3), max_size=8
).map("".join)


def event(index: int = 0, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def call_event(position: int, arguments: str, **fields: Any) -> dict[str, Any]:
    return event(tool_calls=[{"index": position, "function": {"arguments": arguments, **fields}}])


def through(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    restorer = StreamRestorer(RESTORER)
    out = []
    for one in events:
        changed = restorer.change(one)
        out.append(one if changed is None else changed)
    return [*out, *restorer.end()]


def pieces(text: str, sizes: list[int]) -> list[str]:
    cut = []
    for size in sizes:
        cut.append(text[:size])
        text = text[size:]
    return [*cut, text]


@given(
    st.lists(ANSWERS, min_size=1, max_size=3),
    ANSWERS,
    st.lists(ANSWERS, max_size=2),
    st.lists(st.integers(0, 5), max_size=12),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_a_stream_restored_is_the_whole_answer_restored(
    contents: list[str], refusal: str, arguments: list[str], sizes: list[int], finished: bool, random: Any
) -> None:
    lines = [[event(index, content=piece) for piece in pieces(text, sizes)] for index, text in enumerate(contents)]
    lines.append([event(refusal=piece) for piece in pieces(refusal, sizes)])
    lines += [[call_event(at, piece) for piece in pieces(text, sizes)] for at, text in enumerate(arguments)]
    order = [number for number, line in enumerate(lines) for _ in line]
    random.shuffle(order)
    queues = [iter(line) for line in lines]
    events = [next(queues[number]) for number in order]
    if finished:
        events += [event(index, "stop") for index in range(len(contents))]
    whole = assemble(events)
    assert whole is not None
    restored = assemble(through(events))
    assert restored == RESTORER.body(whole)


def test_a_placeholder_in_single_characters_comes_out_at_its_last() -> None:
    texts = [one["choices"][0]["delta"]["content"] for one in through(event(content=char) for char in "a [KEY_1]!")]
    assert texts == ["a", " ", "", "", "", "", "", "", VALUES["[KEY_1]"], "!"]


def test_what_is_held_at_the_finish_goes_out_with_it() -> None:
    out = through([event(content="see [KEY"), event(finish="stop")])
    assert out[0]["choices"][0]["delta"] == {"content": "see "}
    assert out[1]["choices"] == [{"index": 0, "delta": {"content": "[KEY"}, "finish_reason": "stop"}]
    assert len(out) == 2


def test_what_is_held_when_the_stream_just_ends_goes_out_in_an_event_of_its_own() -> None:
    out = through([event(1, content="[KEY"), call_event(2, "[E", name="f")])
    assert out[-1] == {
        **HEAD,
        "choices": [
            {
                "index": 0,
                "delta": {"tool_calls": [{"index": 2, "function": {"arguments": "[E"}}]},
                "finish_reason": None,
            },
            {"index": 1, "delta": {"content": "[KEY"}, "finish_reason": None},
        ],
    }


def test_arguments_of_two_tool_calls_do_not_mix() -> None:
    parts = [(0, '{"a": "[KE'), (1, '{"b": "[EMA'), (0, 'Y_1]"}'), (1, 'IL_1]"}')]
    whole = assemble(through([*(call_event(*part) for part in parts), event(finish="tool_calls")]))
    assert whole is not None
    calls = whole["choices"][0]["message"]["tool_calls"]
    assert json.loads(calls[0]["function"]["arguments"]) == {"a": VALUES["[KEY_1]"]}
    assert json.loads(calls[1]["function"]["arguments"]) == {"b": "ada@example.com"}


def test_completions_and_the_older_function_call_are_restored_across_events() -> None:
    texts = [{"choices": [{"index": 0, "text": text, "finish_reason": None}]} for text in ("[EMA", "IL_1", "]")]
    assert [one["choices"][0]["text"] for one in through(texts)] == ["", "", "ada@example.com"]
    calls = [event(function_call={"name": "f", "arguments": part}) for part in ('{"a": "[EMA', 'IL_1]"}', "[")]
    whole = assemble(through([*calls, event(finish="stop")]))
    assert whole is not None
    assert whole["choices"][0]["message"]["function_call"]["arguments"] == '{"a": "ada@example.com"}['


def test_events_that_need_no_change_are_left_as_they_are() -> None:
    restorer = StreamRestorer(RESTORER)
    for one in (event(role="assistant", content=""), event(content="plain"), event(finish="stop")):
        assert restorer.change(one) is None
    assert restorer.change({**HEAD, "choices": [], "usage": {"total_tokens": 3}}) is None
    assert restorer.change({"error": {"message": "no"}}) is None
    assert restorer.end() == []


def test_events_of_other_shapes_break_nothing() -> None:
    shapes: list[Any] = [
        [],
        {},
        {"choices": None},
        {"choices": [None, 1, {}]},
        {"choices": [{"delta": None, "index": "x"}]},
        {"choices": [{"delta": {"tool_calls": [None, {}, {"function": None}], "content": None}}]},
    ]
    restorer = StreamRestorer(RESTORER)
    assert [restorer.change(shape) for shape in shapes] == [None] * len(shapes)
    assert restorer.change({"error": {"message": "not [EMAIL_1]"}}) == {"error": {"message": "not ada@example.com"}}


def test_a_finish_of_another_shape_does_not_lose_what_is_held() -> None:
    strange: list[Any] = [None, [], {"tool_calls": None}, {"tool_calls": [None]}, {"content": None}, {"content": []}]
    for delta in strange:
        restorer = StreamRestorer(RESTORER)
        restorer.change(event(content="[KEY", tool_calls=[{"index": 4, "function": {"arguments": "[E"}}]))
        last = restorer.change({"choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}]})
        assert last["choices"][0]["delta"]["content"] == "[KEY"
        assert last["choices"][0]["delta"]["tool_calls"][-1] == {"index": 4, "function": {"arguments": "[E"}}
