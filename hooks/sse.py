"""Server-sent events as model providers use them: split, read, write.

The format is the WHATWG HTML standard's, section 9.2: events end with a blank line, lines end with LF, CRLF or CR,
several ``data:`` lines are joined by LF, and a line that starts with a colon is a comment.
"""

from __future__ import annotations

from typing import Any, Final

from .payload import STANDARD_CODEC, Codec

DONE: Final = b"data: [DONE]\n\n"
"""The event that ends every OpenAI stream."""

_ENDS: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")


class EventTooLarge(ValueError):
    """A single event grew over the limit before its blank line came."""


class Splitter:
    """Cuts a byte stream into whole events, each with the blank line that ends it.

    Whatever way the bytes are cut on the wire, the events come out the same, and joined they are what went in.
    An event over ``limit`` bytes raises `EventTooLarge`.
    """

    __slots__ = ("_buffer", "_limit")

    def __init__(self, limit: int = 8 * 1024 * 1024) -> None:
        self._buffer = b""
        self._limit = limit

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that are complete now."""
        buffer = self._buffer + chunk if self._buffer else chunk
        events: list[bytes] = []
        start = 0
        while (end := _event_end(buffer, start)) > 0:
            events.append(buffer[start:end])
            start = end
        self._buffer = buffer[start:] if start else buffer
        if len(self._buffer) > self._limit:
            raise EventTooLarge(f"a server-sent event is over {self._limit} bytes")
        return events

    def flush(self) -> bytes:
        """What is left when the stream has ended: an event without its blank line, or nothing."""
        rest, self._buffer = self._buffer, b""
        return rest


def _event_end(buffer: bytes, start: int) -> int:
    """The index just behind the first blank line at or after ``start``; -1 when there is none yet."""
    end = buffer.find(b"\n\n", start)
    best = end + 2 if end >= 0 else -1
    if b"\r" in buffer:
        for mark in (b"\r\n\r\n", b"\r\r", b"\n\r\n"):
            found = buffer.find(mark, start)
            if found >= 0 and (best < 0 or found + len(mark) < best):
                best = found + len(mark)
    return best


def data_of(event: bytes) -> bytes | None:
    """The ``data`` of one event, its lines joined by LF; None for a comment or an event without data."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2 and b"\r" not in event:
        return event[6:-2]
    lines = event.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    values = [line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
    values += [b"" for line in lines if line == b"data"]
    return b"\n".join(values) if values else None


def decode(event: bytes, codec: Codec = STANDARD_CODEC) -> Any | None:
    """The JSON value an event carries; None for a comment, for ``[DONE]`` and for what is not JSON."""
    data = data_of(event)
    if data is None or data == b"[DONE]":
        return None
    try:
        return codec.loads(data)
    except ValueError:
        return None


def encode(value: Any, codec: Codec = STANDARD_CODEC) -> bytes:
    """One event that carries ``value`` as JSON."""
    return b"data: " + codec.dumps(value) + b"\n\n"
