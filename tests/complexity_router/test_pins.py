"""A conversation stays with its model."""

from __future__ import annotations

import asyncio
import time

from cognitude_plugins.complexity_router import pins as module
from cognitude_plugins.complexity_router.pins import Pins
from tests.redis_cache.servers import At
from tests.redis_servers import RedisServer


async def test_it_is_remembered_for_as_long_as_is_said() -> None:
    now = [0.0]
    pins = Pins(10, clock=lambda: now[0])
    pins.keep(b"talk", "small")
    assert await pins.find(b"talk") == "small"
    assert await pins.find(b"other") is None
    now[0] = 9.0
    pins.keep(b"talk", "small")
    now[0] = 18.0
    assert await pins.find(b"talk") == "small"
    now[0] = 19.1
    assert await pins.find(b"talk") is None


async def test_with_zero_seconds_nothing_is() -> None:
    pins = Pins(0)
    pins.keep(b"talk", "small")
    assert await pins.find(b"talk") is None


async def test_the_oldest_are_forgotten_when_there_are_too_many(monkeypatch: object) -> None:
    most, module._MOST = module._MOST, 3  # type: ignore[misc]
    try:
        pins = Pins(10)
        for number in range(5):
            pins.keep(bytes([number]), "small")
        assert len(pins) == 3
        assert await pins.find(b"\x00") is None
        assert await pins.find(b"\x04") == "small"
    finally:
        module._MOST = most  # type: ignore[misc]


async def test_another_worker_finds_it_in_redis(redis_server: RedisServer) -> None:
    one, other = Pins(10, At(redis_server.url)), Pins(10, At(redis_server.url))
    one.keep(b"talk", "small")
    async with asyncio.timeout(5):
        while await other.find(b"talk") is None:
            await asyncio.sleep(0.01)
    assert await other.find(b"talk") == "small"
    assert await other.find(b"nothing") is None
    await one.close()
    await other.close()


async def test_a_redis_that_is_away_costs_a_moment_once() -> None:
    pins = Pins(10, At("redis://127.0.0.1:1/0"))
    pins.keep(b"talk", "small")
    assert await pins.find(b"talk") == "small"
    assert await pins.find(b"other") is None
    began = time.monotonic()
    for _ in range(1000):
        assert await pins.find(b"other") is None
    assert time.monotonic() - began < 5
    await pins.close()
