"""The stream of another worker's call: from its beginning, as it comes, and nothing that somebody else put there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis

from cognitude_plugins.redis_cache import relay as module
from cognitude_plugins.redis_cache.flights import Flight, Landing
from cognitude_plugins.redis_cache.hot import PREFIX, Claim
from cognitude_plugins.redis_cache.relay import BrokenOff, Relay
from tests.redis_servers import RedisServer

from .servers import KEYS, SECRET, hot

NAME = f"{PREFIX}:acme:{{{KEYS[0]}}}"
CLAIM = Claim(organization="acme", key=KEYS[0], token="worker-1")


@asynccontextmanager
async def relay(server: RedisServer) -> AsyncIterator[Relay]:
    async with hot(server) as one:
        made = Relay(one, secret=SECRET)
        try:
            yield made
        finally:
            await made.close()


class Source:
    """Chunks that come when the test says so."""

    def __init__(self) -> None:
        self.flight = Flight(1)
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._read = asyncio.create_task(self._drain())

    async def _chunks(self) -> AsyncIterator[bytes]:
        while (chunk := await self._queue.get()) is not None:
            yield chunk

    async def _drain(self) -> None:
        async for _ in self.flight.watched(self._chunks(), lambda: None):
            pass

    async def say(self, chunk: bytes | None) -> None:
        self._queue.put_nowait(chunk)
        await asyncio.sleep(0.01)

    async def close(self) -> None:
        self._read.cancel()
        await asyncio.gather(self._read, return_exceptions=True)


@pytest.fixture
async def source() -> AsyncIterator[Source]:
    made = Source()
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(module, "_QUIET_SECONDS", 0.1)


async def asked(other: Relay) -> None:
    """As who finds the claim taken does, until the stream is there."""
    async with asyncio.timeout(10):
        while not await other.begun(CLAIM):
            assert await other._hot.claim("acme", KEYS[0], "worker-2", streamed=True) == CLAIM.token
            await asyncio.sleep(0.01)


async def read(other: Relay, claim: Claim, got: list[bytes]) -> None:
    async with asyncio.timeout(10):
        async for chunk in other.received(claim):
            got.append(chunk)


async def test_a_stream_comes_from_its_beginning_and_then_live(redis_server: RedisServer, source: Source) -> None:
    async with relay(redis_server) as one, relay(redis_server) as other:
        assert await one._hot.claim("acme", KEYS[0], CLAIM.token) is True
        await source.say(b"first ")
        await source.say(b"second ")
        one.offer(CLAIM, source.flight)
        await asyncio.sleep(0.1)
        with redis_server.client() as client:
            assert not client.exists(f"{NAME}:stream"), "nobody wants it yet"
        assert source.flight.waiting == 0
        await asked(other)
        assert source.flight.is_awaited(), "it goes on for the other worker when its own client leaves"
        got: list[bytes] = []
        async with asyncio.timeout(10):
            reading = asyncio.create_task(read(other, CLAIM, got))
            while b"".join(got) != b"first second ":
                await asyncio.sleep(0.01)
            await source.say(b"third")
            while b"".join(got) != b"first second third":
                await asyncio.sleep(0.01)
            assert not reading.done()
            await source.say(None)
            await reading
        assert source.flight.waiting == 0
        with redis_server.client() as client:
            assert 0 < client.pttl(f"{NAME}:stream") <= 30_000


async def test_what_is_over_is_offered_to_nobody(redis_server: RedisServer, source: Source) -> None:
    async with relay(redis_server) as one, relay(redis_server) as other:
        await one._hot.claim("acme", KEYS[0], CLAIM.token)
        one.offer(CLAIM, source.flight)
        source.flight.land(Landing())
        await other._hot.claim("acme", KEYS[0], "worker-2", streamed=True)
        await asyncio.sleep(0.1)
        assert not await other.begun(CLAIM)
        assert one._looking is not None
        assert one._looking.done(), "nobody looks when there is nothing to look at"


async def test_a_worker_that_is_gone_is_not_waited_for(redis_server: RedisServer, source: Source) -> None:
    async with relay(redis_server) as other:
        async with relay(redis_server) as one:
            await one._hot.claim("acme", KEYS[0], CLAIM.token)
            await source.say(b"first")
            one.offer(CLAIM, source.flight)
            await asked(other)
        got: list[bytes] = []
        with redis_server.client() as client:
            client.delete(f"{NAME}:claim")
        with pytest.raises(BrokenOff):
            await read(other, CLAIM, got)
        assert got == [b"first"]


@pytest.mark.parametrize("how", ["made up", "of another claim", "in another order", "of another key"])
async def test_nothing_that_is_not_the_holders_is_given(redis_server: RedisServer, source: Source, how: str) -> None:
    async with relay(redis_server) as one, relay(redis_server) as other:
        await one._hot.claim("acme", KEYS[0], CLAIM.token)
        await source.say(b"first")
        one.offer(CLAIM, source.flight)
        await asked(other)
        await source.say(b"second")
        await asyncio.sleep(0.1)
        claim = CLAIM
        with redis.Redis.from_url(redis_server.url) as client:
            pieces = client.lrange(f"{NAME}:stream", 0, -1)
            assert len(pieces) >= 2
            if how == "made up":
                client.lset(f"{NAME}:stream", 1, b"0123456789abcdef+injected")
            elif how == "in another order":
                client.lset(f"{NAME}:stream", 1, pieces[0])
            elif how == "of another claim":
                claim = Claim(organization="acme", key=KEYS[0], token="worker-3")
                assert not await other.begun(claim)
            else:
                claim = Claim(organization="acme", key=KEYS[1], token=CLAIM.token)
                client.copy(f"{NAME}:stream", f"{PREFIX}:acme:{{{KEYS[1]}}}:stream")
                assert not await other.begun(claim)
        got: list[bytes] = []
        with pytest.raises(BrokenOff):
            await read(other, claim, got)
        assert b"".join(got) in (b"", b"first")
        assert b"injected" not in b"".join(got)


async def test_a_redis_that_is_lost_ends_it(redis_server: RedisServer, source: Source) -> None:
    async with relay(redis_server) as one, relay(redis_server) as other:
        await one._hot.claim("acme", KEYS[0], CLAIM.token)
        await source.say(b"first")
        one.offer(CLAIM, source.flight)
        await asked(other)
        other._hot._fall(OSError("gone"))
        with pytest.raises(BrokenOff):
            await read(other, CLAIM, [])
