"""A stream that ends well when the money for it is gone, instead of breaking off."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Final

from hooks.sse import DONE, Splitter, data_of, encode

_BYTES_PER_TOKEN: Final = 4
"""Of English text; an event never counts as less than a token, which is what most providers put into one."""


class Written:
    """What has come of a stream so far: tokens by an estimate, and what its last event needs to look like."""

    def __init__(self) -> None:
        self.tokens = 0
        self._last: Mapping[str, Any] = {}
        self._choices: set[int] = set()

    def add(self, event: bytes) -> None:
        value = _value(event)
        choices = value.get("choices") if value else None
        if not isinstance(choices, list) or not choices:
            return
        self._last = value
        for choice in choices:
            if isinstance(choice, dict):
                self._choices.add(choice.get("index", 0))
                self.tokens += max(1, _size(choice.get("delta") or choice.get("text")) // _BYTES_PER_TOKEN)

    def end(self, prompt_tokens: int) -> Iterable[bytes]:
        """The events that end the stream as at a token limit: finish reasons, usage, ``[DONE]``."""
        head = {name: self._last[name] for name in ("id", "object", "created", "model") if name in self._last}
        rest: dict[str, Any] = {"text": ""} if head.get("object") == "text_completion" else {"delta": {}}
        choices = [{"index": index, **rest, "finish_reason": "length"} for index in sorted(self._choices or {0})]
        usage = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": self.tokens,
            "total_tokens": prompt_tokens + self.tokens,
        }
        yield encode({**head, "choices": choices})
        yield encode({**head, "choices": [], "usage": usage})
        yield DONE


async def while_affordable(
    chunks: AsyncIterator[bytes], prompt_tokens: int, afford: Callable[[int], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    """The stream, until ``afford``, asked with the completion tokens so far, says no; then its end.

    The event in which it was noticed is still handed on; the provider's stream is closed.
    """
    written, splitter = Written(), Splitter()
    async with aclosing(chunks):  # type: ignore[type-var]
        async for chunk in chunks:
            events = splitter.feed(chunk)
            for event in events:
                written.add(event)
            if not await afford(written.tokens):
                yield b"".join(events)
                for last in written.end(prompt_tokens):
                    yield last
                return
            yield b"".join(events)
        if splitter.pending:
            yield splitter.flush()


def _value(event: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(data_of(event) or b"null")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _size(part: Any) -> int:
    """Bytes of all texts in a delta."""
    if isinstance(part, str):
        return len(part.encode("utf-8", "replace"))
    if isinstance(part, dict):
        return sum(_size(value) for name, value in part.items() if name not in ("role", "id", "type"))
    return sum(map(_size, part)) if isinstance(part, list) else 0
