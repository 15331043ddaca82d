"""Server-sent events as model providers use them: split, read, write.

The format is the WHATWG HTML standard's, section 9.2: events end with a blank line, lines end with LF, CRLF or CR,
several ``data:`` lines are joined by LF, and a line that starts with a colon is a comment.
"""

from __future__ import annotations

import re
from typing import Any, Final

from .payload import STANDARD_CODEC, Codec

DONE: Final = b"data: [DONE]\n\n"
"""The event that ends every OpenAI stream."""

_BLANK_LINE: Final = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\n|\r(?=[\s\S]))")
"""A line's end and behind it an empty line's. A CR that is the last byte so far may be half of a CRLF: it waits."""

_LONGEST_BLANK_LINE: Final = 4


class EventTooLarge(ValueError):
    """A single event grew over the limit."""


class Splitter:
    """Cuts a byte stream into whole events, each with the blank line that ends it.

    Whatever way the bytes are cut on the wire, the events come out the same, and joined they are what went in.
    An event over ``limit`` bytes raises `EventTooLarge`; the stream is of no use from there on.
    """

    __slots__ = ("_held", "_limit", "_searched")

    def __init__(self, limit: int = 8 * 1024 * 1024) -> None:
        self._held = bytearray()
        self._searched = 0
        self._limit = limit

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that are complete now."""
        buffer: bytes | bytearray = chunk
        if self._held:
            self._held += chunk
            buffer = self._held
        events: list[bytes] = []
        start = 0
        for end in _ends(buffer, self._searched):
            events.append(bytes(buffer[start:end]))
            start = end
        self._hold(buffer, start)
        if len(self._held) > self._limit or any(len(event) > self._limit for event in events):
            raise EventTooLarge(f"a server-sent event is over {self._limit} bytes")
        return events

    @property
    def pending(self) -> bool:
        """Whether the beginning of an event is held back."""
        return bool(self._held)

    def flush(self) -> bytes:
        """What is left when the stream has ended: an event whose blank line was not seen to end, or nothing."""
        rest = bytes(self._held)
        self._hold(b"", 0)
        return rest

    def _hold(self, buffer: bytes | bytearray, start: int) -> None:
        if buffer is self._held:
            del self._held[:start]
        else:
            self._held = bytearray(buffer[start:])
        self._searched = max(0, len(self._held) - _LONGEST_BLANK_LINE + 1)


def _ends(buffer: bytes | bytearray, start: int) -> list[int]:
    """The index just behind each blank line from ``start`` on."""
    if buffer.find(b"\r", start) >= 0:
        return [found.end() for found in _BLANK_LINE.finditer(buffer, start)]
    ends = []
    while (start := buffer.find(b"\n\n", start)) >= 0:
        start += 2
        ends.append(start)
    return ends


def data_of(event: bytes) -> bytes | None:
    """The ``data`` of one event, its lines joined by LF; None for a comment or an event without data."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2 and b"\r" not in event:
        return event[6:-2]
    values = [value for name, value in _fields(event) if name == b"data"]
    return b"\n".join(values) if values else None


def name_of(event: bytes) -> bytes | None:
    """What its ``event:`` line calls an event; None when it has none."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2:
        return None
    names = [value for name, value in _fields(event) if name == b"event"]
    return names[-1] if names and names[-1] else None


def _fields(event: bytes) -> list[tuple[bytes, bytes]]:
    fields = []
    for line in event.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        name, _, value = line.partition(b":")
        fields.append((name, value.removeprefix(b" ")))
    return fields


def decode(event: bytes, codec: Codec = STANDARD_CODEC) -> Any | None:
    """The JSON value an event carries; None for a comment, for ``[DONE]`` and for what is not JSON."""
    data = data_of(event)
    if data is None or data == b"[DONE]":
        return None
    try:
        return codec.loads(data)
    except ValueError:
        return None


def encode(value: Any, codec: Codec = STANDARD_CODEC, name: bytes | None = None) -> bytes:
    """One event that carries ``value`` as JSON, under ``name`` if it has one."""
    head = b"data: " if name is None else b"event: " + name + b"\ndata: "
    return head + codec.dumps(value) + b"\n\n"
