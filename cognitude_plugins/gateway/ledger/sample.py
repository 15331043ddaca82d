"""What was relayed of a stream, kept up to a bound, to count its tokens when no provider did."""

from __future__ import annotations

from typing import Any, Final

from hooks.sse import Splitter, decode

from ..codec import CODEC
from .counting import texts_tokens
from .written import written

KEPT_BYTES: Final = 256 * 1024


class Sample:
    """Add every chunk; ask once, at the end. ``total`` is the number of all bytes added, also of those not kept.

    Asking parses what was kept, some 4 µs an event (20 ms at most), and counts as `counting` does.
    """

    __slots__ = ("_chunks", "_keep", "_room", "total")

    def __init__(self, keep: int = KEPT_BYTES) -> None:
        self.total = 0
        self._keep = self._room = keep
        self._chunks: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        size = len(chunk)
        self.total += size
        room = self._room
        if room > 0:
            self._chunks.append(chunk if size <= room else chunk[:room])
            self._room = room - size

    def texts(self) -> tuple[list[str], float]:
        """What the model wrote in the events that were kept whole, and which part of all bytes these are (0 to 1).

        An event that was cut off at the end counts as not sent; the part is 1.0 as long as no byte was dropped.
        """
        events, rest = self._events()
        kept = min(self.total, self._keep)
        return written(events), 1.0 if kept == self.total else (kept - rest) / self.total

    def text(self) -> tuple[str, float]:
        """The same in one piece."""
        texts, part = self.texts()
        return "".join(texts), part

    def completion_tokens(self, model: str) -> int:
        """Counted in what was kept and scaled up by bytes.

        Of a single event that is longer than what is kept the JSON itself is counted: too many rather than none.
        """
        texts, part = self.texts()
        if part:
            return round(texts_tokens(texts, model) / part)
        raw = b"".join(self._chunks)
        return round(texts_tokens([raw.decode("utf-8", "replace")], model) * self.total / max(len(raw), 1))

    def _events(self) -> tuple[list[Any], int]:
        """The kept events' values, and the bytes of the one at the end that is not whole."""
        raw = b"".join(self._chunks)
        splitter = Splitter(len(raw))
        events = splitter.feed(raw)
        return [decode(event, CODEC) for event in events], len(splitter.flush())
