"""A stream whose money is gone ends like one that has reached a token limit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cognitude_plugins.limiter.stream_end import while_affordable
from hooks.sse import DONE, encode


def event(text: str, index: int = 0) -> bytes:
    delta = {"index": index, "delta": {"content": text}, "finish_reason": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    return encode({**head, "choices": [delta]})


class Source:
    """A stream that knows whether it was closed."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)
        self.given = 0
        self.closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.given == len(self.chunks):
            raise StopAsyncIteration
        self.given += 1
        return self.chunks[self.given - 1]

    async def aclose(self) -> None:
        self.closed = True


async def relayed(source: Source, tokens: int) -> bytes:
    async def afford(so_far: int) -> bool:
        return so_far <= tokens

    return b"".join([chunk async for chunk in while_affordable(source, 11, afford)])


def values(raw: bytes) -> list[Any]:
    return [json.loads(line[6:]) for line in raw.decode().splitlines() if line.startswith("data: {")]


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_what_can_be_paid_comes_through_byte_for_byte_however_it_is_cut(size: int) -> None:
    raw = b": hello\n\n" + event("one ") + event("two") + DONE
    source = Source(*(raw[at : at + size] for at in range(0, len(raw), size)))
    assert await relayed(source, 100) == raw
    assert source.closed


async def test_it_ends_with_a_finish_reason_usage_and_done() -> None:
    source = Source(*(event("w") for _ in range(9)), DONE)
    raw = await relayed(source, 4)
    *words, last, usage = values(raw)
    assert len(words) == 5
    assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": "length"}]
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
    assert {one["id"] for one in (last, usage)} == {"chatcmpl-1"}
    assert raw.endswith(DONE)
    assert source.closed
    assert source.given == 5


async def test_every_choice_is_ended() -> None:
    raw = await relayed(Source(event("a", 0) + event("b", 2)), 1)
    assert [choice["index"] for choice in values(raw)[-2]["choices"]] == [0, 2]


async def test_completions_end_in_their_own_shape() -> None:
    head = {"id": "cmpl-1", "object": "text_completion", "created": 7, "model": "m"}
    raw = await relayed(Source(encode({**head, "choices": [{"index": 0, "text": "long " * 40}]})), 1)
    assert values(raw)[-2]["choices"] == [{"index": 0, "text": "", "finish_reason": "length"}]


async def test_a_long_event_counts_for_more_than_one_token() -> None:
    seen: list[int] = []

    async def afford(so_far: int) -> bool:
        seen.append(so_far)
        return True

    tool = {"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "x" * 99, "function": {"arguments": "a" * 40}}]}}
    chunks = Source(event("t"), encode({"choices": [tool]}), b"data: not json\n\n", b"data: [1]\n\n")
    assert [chunk async for chunk in while_affordable(chunks, 0, afford)]
    assert seen == [1, 11, 11, 11]


async def test_a_reader_that_leaves_closes_the_stream() -> None:
    source = Source(event("a"), event("b"))

    async def afford(so_far: int) -> bool:
        return True

    stream = while_affordable(source, 0, afford)
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    assert source.closed
