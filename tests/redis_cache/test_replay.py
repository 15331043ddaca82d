"""A client makes of a kept answer what it made of the first one, whichever way either was sent."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from cognitude_plugins.redis_cache.replay import events, replayed
from hooks.assemble import assemble

HEAD: Final = {
    "id": "chatcmpl-1",
    "created": 1_700_000_000,
    "model": "m-2025",
    "system_fingerprint": "fp_1",
    "service_tier": "default",
}
USAGE: Final = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


def chunk(*choices: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {**HEAD, "object": "chat.completion.chunk", "choices": [dict(one) for one in choices], **fields}


def part(index: int = 0, finish_reason: str | None = None, logprobs: Any = None, **delta: Any) -> dict[str, Any]:
    return {"index": index, "delta": delta, "finish_reason": finish_reason, "logprobs": logprobs}


def tool(index: int, arguments: str, id: str | None = None, name: str | None = None) -> dict[str, Any]:
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    first = {} if id is None else {"id": id, "type": "function"}
    return {"index": index, **first, "function": function}


def probability(token: str) -> dict[str, Any]:
    return {"token": token, "logprob": -0.5, "bytes": list(token.encode()), "top_logprobs": []}


RECORDED: Final[Mapping[str, Sequence[dict[str, Any]]]] = {
    "text": [
        chunk(part(role="assistant", content="", refusal=None)),
        chunk(part(content="Hello")),
        chunk(part(content=", world! Größe ☃")),
        chunk(part(finish_reason="stop")),
        chunk(usage=USAGE),
    ],
    "parallel tool calls": [
        chunk(part(role="assistant", content=None)),
        chunk(part(tool_calls=[tool(0, "", "call_1", "search")])),
        chunk(part(tool_calls=[tool(1, "", "call_2", "weather")])),
        chunk(part(tool_calls=[tool(0, '{"q": '), tool(1, '{"city": ')])),
        chunk(part(tool_calls=[tool(1, '"Rome"}'), tool(0, '"x"}')])),
        chunk(part(finish_reason="tool_calls")),
        chunk(usage=USAGE),
    ],
    "a refusal": [
        chunk(part(role="assistant", content=None, refusal="")),
        chunk(part(refusal="I can")),
        chunk(part(refusal="not.")),
        chunk(part(finish_reason="stop")),
    ],
    "log probabilities": [
        chunk(part(role="assistant", content="", logprobs={"content": [], "refusal": None})),
        chunk(part(content="A", logprobs={"content": [probability("A")], "refusal": None})),
        chunk(part(content="B", logprobs={"content": [probability("B")], "refusal": None})),
        chunk(part(finish_reason="stop")),
        chunk(usage=USAGE),
    ],
    "several choices": [
        chunk(part(0, role="assistant", content="")),
        chunk(part(1, role="assistant", content="")),
        chunk(part(1, content="one")),
        chunk(part(0, content="zero")),
        chunk(part(1, content=" more")),
        chunk(part(0, finish_reason="stop")),
        chunk(part(1, finish_reason="length")),
        chunk(usage=USAGE),
    ],
    "reasoning": [
        chunk(part(role="assistant", content=None, reasoning_content="Let me")),
        chunk(part(reasoning_content=" think.")),
        chunk(part(content="42")),
        chunk(part(finish_reason="stop")),
        chunk(usage=USAGE),
    ],
}


def understood(stream: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the openai client puts together."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for event in stream:
        state.handle_chunk(ChatCompletionChunk.model_validate(copy.deepcopy(event)))
    return state.current_completion_snapshot.model_dump(exclude_none=True)


def whole(body: Any) -> dict[str, Any]:
    return ChatCompletion.model_validate(body).model_dump(exclude_none=True)


@pytest.mark.parametrize("piece", [0, 3], ids=["at once", "in pieces"])
@pytest.mark.parametrize("name", RECORDED)
def test_a_stream_from_the_cache_is_understood_as_the_first_was(name: str, piece: int) -> None:
    recorded = RECORDED[name]
    body = assemble(recorded)
    assert body is not None
    assert understood(list(events(body, piece))) == understood(recorded)


@pytest.mark.parametrize("name", RECORDED)
def test_a_whole_answer_and_its_stream_are_understood_alike(name: str) -> None:
    """Kept from a stream and given whole; kept whole and given as a stream."""
    body = assemble(RECORDED[name])
    assert body is not None
    from_whole, from_stream = whole(body), understood(list(events(body)))
    for one in from_stream["choices"]:
        one["message"].pop("parsed", None)
        for call in one["message"].get("tool_calls", ()):
            call.pop("index", None)
    assert _without_parsed(from_stream) == _without_parsed(from_whole)


def _without_parsed(body: dict[str, Any]) -> dict[str, Any]:
    """The client's stream has a place for parsed arguments that a whole answer has not."""
    for choice in body["choices"]:
        for call in choice["message"].get("tool_calls", ()):
            call["function"].pop("parsed_arguments", None)
    return body


@pytest.mark.parametrize("piece", [0, 3])
@pytest.mark.parametrize("name", RECORDED)
def test_put_together_by_us_it_is_the_same_answer_again(name: str, piece: int) -> None:
    body = assemble(RECORDED[name])
    assert body is not None
    assert assemble(list(events(body, piece))) == body


def test_a_completion_is_one_of_text() -> None:
    logprobs = {"tokens": ["a"], "token_logprobs": [-0.1], "top_logprobs": None, "text_offset": [0]}
    body: dict[str, Any] = {
        **HEAD,
        "object": "text_completion",
        "choices": [
            {"index": 0, "text": "Once upon a time", "logprobs": logprobs, "finish_reason": "stop"},
            {"index": 1, "text": "", "logprobs": None, "finish_reason": "length"},
        ],
        "usage": USAGE,
    }
    stream = list(events(body, 5))
    joined = assemble(stream)
    assert joined is not None
    assert joined["choices"][0] == body["choices"][0]
    assert (joined["choices"][1]["text"], joined["choices"][1]["finish_reason"]) == ("", "length")
    assert joined["usage"] == USAGE


def test_each_chunk_is_one_that_openai_might_have_sent() -> None:
    body = assemble(RECORDED["parallel tool calls"])
    assert body is not None
    stream = list(events(body))
    assert {event["object"] for event in stream} == {"chat.completion.chunk"}
    assert stream[0]["choices"][0]["delta"] == {"role": "assistant", "content": None}
    assert [event["choices"] for event in stream if "usage" in event] == [[]]
    assert [one["finish_reason"] for event in stream for one in event["choices"]][-1] == "tool_calls"


async def test_a_pause_is_made_between_chunks_and_not_before_the_first() -> None:
    body = assemble(RECORDED["text"])
    assert body is not None
    began, count = time.perf_counter(), 0
    async for _ in replayed(body, pause=0.01):
        count += 1
    assert count > 3
    assert time.perf_counter() - began >= 0.01 * (count - 1)
