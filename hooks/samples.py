"""Calls and answers to begin a test with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from .call import Api, Call, Caller, Headers
from .payload import STANDARD_CODEC, Payload
from .reply import Reply


def make_call(
    body: Mapping[str, Any] | None = None,
    *,
    api: Api = "chat",
    organization: str = "acme",
    key: str = "key-1",
    user: str | None = None,
    headers: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    dry_run: bool = False,
    id: str | None = None,
) -> Call:
    """A call as it comes to the first plugin; its body arrives as bytes, like a client's."""
    if body is None:
        body = {"model": "sim", "messages": [{"role": "user", "content": "Hello"}]}
    return Call(
        id=id or "req-1",
        api=api,
        caller=Caller(organization=organization, key=key, user=user, address="127.0.0.1"),
        payload=Payload(STANDARD_CODEC.dumps(body)),
        headers=Headers(headers or {}),
        tags=tags or {},
        dry_run=dry_run,
    )


def completion(text: str = "Hello", *, model: str = "sim", **fields: Any) -> dict[str, Any]:
    """The body of a whole ``chat.completion`` with usage; ``fields`` replace or add top-level fields."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
        **fields,
    }


def chunks_of(
    *texts: str, model: str = "sim", usage: Mapping[str, Any] | None = None, finish_reason: str = "stop"
) -> list[dict[str, Any]]:
    """The events of a stream: the role, one delta for each text, the finish, and usage when it is given."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": model}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, *({"content": text} for text in texts)]
    events = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]})
    if usage is not None:
        events.append({**head, "choices": [], "usage": dict(usage)})
    return events


def streamed(*texts: str, **options: Any) -> Reply:
    """A streamed reply over `chunks_of`; it can be read once."""

    async def events() -> AsyncIterator[Mapping[str, Any]]:
        for event in chunks_of(*texts, **options):
            yield event

    return Reply.stream(events())
