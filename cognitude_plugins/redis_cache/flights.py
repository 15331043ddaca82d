"""Calls that ask the same at the same time: one goes to the provider, the others wait for its answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, cast

from hooks import Reply
from hooks.sse import encode

from .entry import Entry
from .hot import Claim
from .recent import Place

MOST_ATTEMPTS: Final = 3
"""So many calls may fail, one after the other, before all that wait get the last failure."""
_MOST_BYTES: Final = 16 * 1024 * 1024
"""Of a stream: whoever comes later than that goes his own way."""
BROKEN: Final = encode(
    {
        "error": {
            "message": "The provider's stream broke off.",
            "type": "server_error",
            "param": None,
            "code": "stream_broken",
        }
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What came of a call. ``entry`` is its answer, ``kept`` whether that was found in a layer; without one it failed,
    and ``failure`` is what the provider or the gateway said, None where that is nobody else's business.
    """

    entry: Entry | None = None
    kept: bool = False
    failure: Reply | None = None


class Flight:
    """One call, and who waits for it. ``attempt`` counts from 1; ``claim`` keeps other workers from making it too."""

    def __init__(self, attempt: int, about: str = "") -> None:
        self.attempt = attempt
        self.about = about
        self.waiting = 0
        self.landing: Landing | None = None
        self.streaming = False
        self.cost_nano_usd: int | None = None
        self.claim: Claim | None = None
        self._chunks: list[bytes] = []
        self._bytes = 0
        self._ended = self._broken = False
        self._news: asyncio.Future[None] | None = None

    @property
    def landed(self) -> bool:
        return self.landing is not None

    @property
    def full(self) -> bool:
        """Whether its stream is too long already for somebody to join."""
        return self._bytes > _MOST_BYTES

    def is_awaited(self) -> bool:
        """Whether somebody else waits for it."""
        return self.waiting > 0

    @property
    def chunks(self) -> list[bytes]:
        """What has come of its stream."""
        return self._chunks

    async def told(self, *, streamed: bool) -> None:
        """Until it has landed, or (``streamed``) its stream has begun."""
        while self.landing is None and not (streamed and self.streaming):
            await self._wait()

    def watched(self, chunks: AsyncIterator[bytes], ended: Callable[[], None]) -> AsyncIterator[bytes]:
        """The stream, of which those who wait get every chunk. ``ended`` is called when all of it is there."""
        self.streaming = True
        self._tell()
        return self._watched(chunks, ended)

    def followed(self) -> AsyncIterator[bytes]:
        """The same stream from its beginning, for somebody else, who waits for it from now on."""
        self.waiting += 1
        return self._followed()

    async def _followed(self) -> AsyncIterator[bytes]:
        at = 0
        try:
            while True:
                if at < len(self._chunks):
                    news = self._chunks[at:]
                    at += len(news)
                    yield b"".join(news)
                elif self._broken:
                    yield BROKEN
                    return
                elif self._ended:
                    return
                else:
                    await self._wait()
        finally:
            self.waiting -= 1

    def land(self, landing: Landing) -> None:
        self.landing = landing
        self._broken = self._broken or (self.streaming and not self._ended)
        self._tell()

    async def _watched(self, chunks: AsyncIterator[bytes], ended: Callable[[], None]) -> AsyncIterator[bytes]:
        try:
            async with aclosing(cast(Any, chunks)):
                async for chunk in chunks:
                    self._chunks.append(chunk)
                    self._bytes += len(chunk)
                    self._tell()
                    yield chunk
            self._ended = True
            ended()
        finally:
            self._broken = not self._ended
            self._tell()

    async def _wait(self) -> None:
        if self._news is None:
            self._news = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._news)

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None:
            news.set_result(None)


class Flights:
    """Of one process. ``landed`` is told of each that lands."""

    def __init__(self, landed: Callable[[Flight, Landing], None] = lambda flight, landing: None) -> None:
        self._under_way: dict[Place, Flight] = {}
        self._landed = landed

    def __len__(self) -> int:
        return len(self._under_way)

    def find(self, place: Place) -> Flight | None:
        flight = self._under_way.get(place)
        return None if flight is None or flight.full else flight

    def begin(self, place: Place, *, attempt: int = 1, about: str = "") -> Flight:
        """Led by the present task: if that ends before the flight has landed, the flight has failed."""
        flight = self._under_way[place] = Flight(attempt, about)
        leader = asyncio.current_task()
        if leader is not None:
            leader.add_done_callback(lambda task: self.land(place, flight, Landing()))
        return flight

    def land(self, place: Place, flight: Flight, landing: Landing) -> None:
        """Once; from then on the next that asks begins another."""
        if self._under_way.get(place) is flight:
            del self._under_way[place]
        if flight.landing is None:
            flight.land(landing)
            self._landed(flight, landing)
