"""A provider's stream with what is read of it metered, whatever a plugin makes of it or puts in its place."""

from __future__ import annotations

from collections.abc import AsyncIterator

from .closing import close
from .codec import CODEC
from .flight import Flight
from .ledger.sample import Sample
from .providers import Broke
from .usage_filter import UsageFilter


class Metered:
    """``meter`` has the usage it reported, ``sample`` what came of it.

    Who reads ``source`` past it, to spare a frame for every chunk, shows ``sample`` each chunk himself, calls `broke`
    if it does, and closes this one in the end. ``flight`` is that of the attempt.
    """

    __slots__ = ("_flight", "meter", "sample", "source")

    def __init__(self, source: AsyncIterator[bytes], flight: Flight | None = None) -> None:
        self.source = source
        self._flight = flight
        self.meter = UsageFilter(CODEC, strip=False)
        self.sample = Sample()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await anext(self.source)
        except StopAsyncIteration:
            self.meter.flush()
            raise
        except Broke:
            self.broke()
            raise
        self.sample.add(chunk)
        self.meter.feed(chunk)
        return chunk

    def broke(self) -> None:
        """The provider broke off."""
        if self._flight is not None:
            self._flight.broke()

    async def aclose(self) -> None:
        if self._flight is not None:
            self._flight.land()
        await close(self.source)
