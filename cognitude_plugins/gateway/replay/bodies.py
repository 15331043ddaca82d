"""Requests and answers made up for calls of which the ledger has the numbers and not the words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from hooks import Payload, Reply, Usage

from ..codec import CODEC
from .item import Item

_SAID = "As recorded."


def request_of(item: Item) -> Payload:
    """A body that is the same for calls that ask the same, and for no others."""
    row = item.row
    if item.body is not None:
        return Payload(value=dict(item.body), codec=CODEC)
    text = item.identity or row.id
    body: dict[str, Any] = {"model": row.requested_model}
    if row.api == "chat":
        body["messages"] = [{"role": "user", "content": text}]
    elif row.api == "completions":
        body["prompt"] = text
    else:
        body["input"] = text
    if row.max_tokens is not None:
        body["max_output_tokens" if row.api == "responses" else "max_tokens"] = row.max_tokens
    if row.stream:
        body["stream"] = True
    return Payload(value=body, codec=CODEC)


def answer_of(api: str, model: str, usage: Usage | None) -> Reply:
    """A whole answer that reports this usage."""
    value = {"id": "recorded", "created": 0, "model": model, **_ANSWERS.get(api, _ANSWERS["chat"])}
    if usage is not None:
        value["usage"] = _reported(usage)
    return Reply(payload=Payload(CODEC.dumps(value), codec=CODEC, usage=usage))


async def events_of(
    api: str, model: str, usage: Usage | None, end: Callable[[], Awaitable[None]]
) -> AsyncIterator[bytes]:
    """The same as a stream: its first event at once, the others when ``end`` has been waited for."""
    head = {"id": "recorded", "object": "chat.completion.chunk", "created": 0, "model": model}
    if api == "completions":
        head["object"] = "text_completion"
        yield _event({**head, "choices": [{"index": 0, "text": _SAID, "finish_reason": None}]})
        await end()
        yield _event({**head, "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]})
    else:
        delta = {"role": "assistant", "content": _SAID}
        yield _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        await end()
        yield _event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if usage is not None:
        yield _event({**head, "choices": [], "usage": _reported(usage)})
    yield b"data: [DONE]\n\n"


def refusal_of(status: int, code: str | None) -> Reply:
    return Reply.error(status, "As recorded.", code=code)


def _event(value: Mapping[str, Any]) -> bytes:
    return b"data: " + CODEC.dumps(value) + b"\n\n"


def _reported(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


_CHAT = {"index": 0, "message": {"role": "assistant", "content": _SAID}, "finish_reason": "stop"}
_ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "chat": {"object": "chat.completion", "choices": [_CHAT]},
    "completions": {
        "object": "text_completion",
        "choices": [{"index": 0, "text": _SAID, "finish_reason": "stop"}],
    },
    "embeddings": {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": []}]},
    "responses": {"object": "response", "output": []},
    "messages": {"type": "message", "content": [{"type": "text", "text": _SAID}]},
}
