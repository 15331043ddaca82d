"""Reads the usage out of a stream as it passes, and takes the usage event out for a client that did not ask for it."""

from __future__ import annotations

from hooks import Usage
from hooks.payload import Codec
from hooks.sse import Splitter, decode

_KEY = b'"usage"'
_NULLS = (b'"usage":null', b' "usage": null')


class UsageFilter:
    """Feed it the stream's chunks; it returns what to send.

    Chunks in which nothing can be found pass untouched and unsplit. ``usage`` is the last one reported, or None.
    """

    __slots__ = ("_codec", "_splitter", "_strip", "_whole", "usage")

    def __init__(self, codec: Codec, *, strip: bool) -> None:
        self.usage: Usage | None = None
        self._codec = codec
        self._strip = strip
        self._splitter = Splitter()
        self._whole = True

    def feed(self, chunk: bytes) -> bytes:
        if self._whole and chunk.endswith(b"\n\n"):
            if _KEY not in chunk:
                return chunk
            if _only_nulls(chunk):
                return _without_nulls(chunk) if self._strip else chunk
        events = self._splitter.feed(chunk)
        self._whole = not self._splitter.pending
        kept = b"".join([event for event in events if self._keep(event)])
        return _without_nulls(kept) if self._strip else kept

    def flush(self) -> bytes:
        rest = self._splitter.flush()
        kept = rest if rest and self._keep(rest) else b""
        return _without_nulls(kept) if self._strip else kept

    def _keep(self, event: bytes) -> bool:
        if _KEY not in event:
            return True
        value = decode(event, self._codec)
        usage = Usage.of(value)
        if usage is None or not isinstance(value, dict):
            return True
        self.usage = usage
        return not self._strip or bool(value.get("choices"))


def _without_nulls(chunk: bytes) -> bytes:
    """Quotes inside a JSON string are escaped, so these bytes can only be a member of an object."""
    for null in _NULLS:
        chunk = chunk.replace(b"," + null, b"")
    return chunk


def _only_nulls(chunk: bytes) -> bool:
    return chunk.count(_KEY) == sum(chunk.count(null) for null in _NULLS)
