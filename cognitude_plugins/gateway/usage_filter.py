"""Reads the usage out of a stream as it passes, and takes the usage event out for a client that did not ask for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from hooks import Usage
from hooks.payload import Codec
from hooks.sse import Splitter, decode
from hooks.usage import holder

_KEY: Final = b'"usage"'
_NULL: Final = re.compile(rb'"usage"\s*:\s*null')
_NULLS: Final = (b'"usage":null', b' "usage": null')
"""Quotes inside a JSON string are escaped, so behind a comma these bytes can only be a member of an object."""

_BLANK_LINE: Final = re.compile(rb"(?:\r\n|\r|\n)(?:\r\n|\r|\n)")


class UsageFilter:
    """Feed it the stream's chunks; it returns what to send.

    Chunks in which nothing can be found pass untouched and unsplit. ``usage`` is the last one reported, or None, also
    when that one was wrong.
    """

    __slots__ = ("_codec", "_message", "_splitter", "_strip", "usage")

    def __init__(self, codec: Codec, *, strip: bool) -> None:
        self.usage: Usage | None = None
        self._message: Mapping[str, Any] | None = None
        self._codec = codec
        self._strip = strip
        self._splitter = Splitter()

    def feed(self, chunk: bytes) -> bytes:
        if self._splitter.pending or not chunk.endswith(b"\n\n") or b"\r" in chunk:
            chunk = b"".join(self._splitter.feed(chunk))
        return self._filtered(chunk) if _KEY in chunk else chunk

    def flush(self) -> bytes:
        return self._filtered(self._splitter.flush())

    def _filtered(self, events: bytes) -> bytes:
        """Whole events, those cut out and looked at that may carry a usage."""
        if self._strip:
            for null in _NULLS:
                events = events.replace(b"," + null, b"")
        kept: list[bytes] = []
        done = 0
        at = events.find(_KEY)
        while at >= 0:
            if _NULL.match(events, at):
                at = events.find(_KEY, at + 1)
                continue
            start, end = _event_around(events, at)
            if not self._keep(events[start:end]):
                kept.append(events[done:start])
                done = end
            at = events.find(_KEY, end)
        return b"".join([*kept, events[done:]]) if kept else events[done:]

    def _keep(self, event: bytes) -> bool:
        value = decode(event, self._codec)
        found = holder(value)
        if value is None or found is None or not found["usage"]:
            return True
        begun = self._message
        self.usage = Usage.of(value if begun is None else _completed(found["usage"], begun))
        if value.get("type") == "message_start":
            self._message = found
        return not self._strip or _says_something(value)


def _completed(usage: Mapping[str, Any], message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Anthropic may tell of the prompt at the beginning only, so that is kept."""
    before = message["usage"]
    told = {name: value for name, value in usage.items() if value or name not in before}
    return {**message, "usage": {**before, **told}}


def _says_something(event: dict[str, Any]) -> bool:
    """Whether there is more than usage in it. OpenAI sends no choices with it, LiteLLM one that is empty.

    An event without choices is of another API, whose usage nobody has to ask for.
    """
    choices = event.get("choices")
    return not isinstance(choices, list) or any(
        not isinstance(choice, dict) or choice.get("finish_reason") or choice.get("text") or choice.get("delta")
        for choice in choices
    )


def _event_around(events: bytes, at: int) -> tuple[int, int]:
    """Where the event begins and ends in which ``at`` lies."""
    if b"\r" in events:
        ends = [found.end() for found in _BLANK_LINE.finditer(events)]
        after = next((end for end in ends if end > at), len(events))
        return max((end for end in ends if end <= at), default=0), after
    before = events.rfind(b"\n\n", 0, at)
    behind = events.find(b"\n\n", at)
    return (0 if before < 0 else before + 2), (len(events) if behind < 0 else behind + 2)
