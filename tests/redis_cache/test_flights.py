"""Several who ask the same: one call, and its answer for all of them, or its failure for one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from cognitude_plugins.redis_cache import flights as module
from cognitude_plugins.redis_cache.entry import Entry
from cognitude_plugins.redis_cache.flights import Flight, Flights, Landing
from hooks.sse import decode

PLACE = ("acme", "key")
ENTRY = Entry(body=b"{}", created_ms=0, model="m")


async def chunks(*parts: bytes, breaks: bool = False) -> AsyncIterator[bytes]:
    for part in parts:
        await asyncio.sleep(0)
        yield part
    if breaks:
        raise ConnectionError


async def read(stream: AsyncIterator[bytes]) -> bytes:
    async with aclosing(stream) as parts:  # type: ignore[type-var]
        return b"".join([part async for part in parts])


async def test_who_waits_is_told_when_it_has_landed() -> None:
    flights = Flights()
    flight = flights.begin(PLACE)
    assert flights.find(PLACE) is flight
    waiting = [asyncio.create_task(flight.told(streamed=False)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    flights.land(PLACE, flight, Landing(entry=ENTRY))
    await asyncio.gather(*waiting)
    assert flight.landing == Landing(entry=ENTRY)
    assert flights.find(PLACE) is None
    assert len(flights) == 0


async def test_who_is_cancelled_while_he_waits_disturbs_nobody() -> None:
    flight = Flights().begin(PLACE)
    one, other = (asyncio.create_task(flight.told(streamed=False)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.gather(one, return_exceptions=True)
    flight.land(Landing(entry=ENTRY))
    await other


async def test_a_flight_whose_leader_is_gone_has_failed() -> None:
    flights = Flights()

    async def lead() -> Flight:
        return flights.begin(PLACE)

    flight = await asyncio.create_task(lead())
    await asyncio.sleep(0)
    assert flight.landing == Landing()
    assert len(flights) == 0


async def test_a_later_flight_is_not_ended_by_an_earlier_leader() -> None:
    flights = Flights()
    first = flights.begin(PLACE)
    flights.land(PLACE, first, Landing())
    second = flights.begin(PLACE, attempt=2)
    flights.land(PLACE, first, Landing(entry=ENTRY))
    assert flights.find(PLACE) is second
    assert (first.landing, second.landing, second.attempt) == (Landing(), None, 2)


@pytest.mark.parametrize("joined", [0, 1, 2, 3])
async def test_a_stream_is_the_same_for_whoever_joins_whenever(joined: int) -> None:
    flight = Flight(1)
    ended: list[bool] = []
    leading = flight.watched(chunks(b"a", b"b", b"c"), lambda: ended.append(True))
    await flight.told(streamed=True)
    for _ in range(joined):
        await anext(leading)
    following = asyncio.create_task(read(flight.followed()))
    await asyncio.sleep(0)
    assert flight.waiting == 1
    rest = await read(leading)
    assert len(rest) == 3 - joined
    assert await following == b"abc"
    assert (flight.waiting, ended) == (0, [True])


async def test_who_reads_slowly_misses_nothing_that_comes_meanwhile() -> None:
    flight = Flight(1)
    leading = flight.watched(chunks(b"a", b"b", b"c"), lambda: None)
    await anext(leading)
    following = flight.followed()
    got = [await anext(following)]
    await anext(leading)
    got.append(await anext(following))
    await read(leading)
    got.append(await read(following))
    assert got == [b"a", b"b", b"c"]


async def test_a_stream_that_breaks_ends_with_an_error_for_those_who_follow() -> None:
    flight = Flight(1)
    ended: list[bool] = []
    leading = flight.watched(chunks(b"data: 1\n\n", breaks=True), lambda: ended.append(True))
    following = asyncio.create_task(read(flight.followed()))
    with pytest.raises(ConnectionError):
        await read(leading)
    events = (await following).split(b"\n\n")
    assert events[0] == b"data: 1"
    error: Any = decode(events[1] + b"\n\n")
    assert error["error"]["code"] == "stream_broken"
    assert ended == []


async def test_a_leader_who_stops_reading_breaks_it_for_the_others() -> None:
    flight = Flight(1)
    leading = flight.watched(chunks(b"a", b"b"), lambda: None)
    await anext(leading)
    following = asyncio.create_task(read(flight.followed()))
    await asyncio.sleep(0)
    await leading.aclose()  # type: ignore[attr-defined]
    assert (await following).startswith(b"a")
    assert b"stream_broken" in await read(flight.followed())


async def test_a_stream_that_never_ran_is_broken_when_its_call_has_failed() -> None:
    flight = Flight(1)
    leading = flight.watched(chunks(b"a"), lambda: None)
    following = asyncio.create_task(read(flight.followed()))
    await asyncio.sleep(0)
    flight.land(Landing())
    assert b"stream_broken" in await following
    await leading.aclose()  # type: ignore[attr-defined]


async def test_nobody_joins_a_stream_that_is_very_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 10)
    flights = Flights()
    flight = flights.begin(PLACE)
    leading = flight.watched(chunks(b"x" * 8, b"y" * 8), lambda: None)
    await anext(leading)
    assert flights.find(PLACE) is flight
    await anext(leading)
    assert flights.find(PLACE) is None
    await leading.aclose()  # type: ignore[attr-defined]
