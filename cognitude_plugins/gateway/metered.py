"""A provider's stream with what is read of it metered, whatever a plugin makes of it or puts in its place."""

from __future__ import annotations

from collections.abc import AsyncIterator

from .closing import close
from .codec import CODEC
from .ledger.sample import Sample
from .usage_filter import UsageFilter


class Metered:
    """``meter`` has the usage it reported, ``sample`` what came of it.

    Who reads ``source`` past it, to spare a frame for every chunk, shows ``sample`` each chunk himself.
    """

    __slots__ = ("meter", "sample", "source")

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self.source = source
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
        self.sample.add(chunk)
        self.meter.feed(chunk)
        return chunk

    async def aclose(self) -> None:
        await close(self.source)
