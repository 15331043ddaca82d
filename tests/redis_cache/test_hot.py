"""The layer in Redis: shared, forgetful, and never in the way."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from cognitude_plugins.redis_cache import hot as module
from cognitude_plugins.redis_cache.hot import PREFIX, Away
from tests.redis_servers import RedisServer

from .servers import KEYS, hot, started


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_what_one_worker_keeps_another_finds(redis_server: RedisServer) -> None:
    async with hot(redis_server) as one, hot(redis_server) as other:
        await one.put("acme", KEYS[0], b"packed")
        assert await other.get("acme", KEYS[0]) == b"packed"
        assert await other.get("beta", KEYS[0]) is None
        assert await other.get("acme", KEYS[1]) is None


@pytest.mark.parametrize(("seconds", "left"), [(None, 60), (5, 5), (600, 60), (0, 1), (-3, 1)])
async def test_it_is_kept_no_longer_than_it_may_be_given(redis_server: RedisServer, seconds: Any, left: int) -> None:
    async with hot(redis_server) as one:
        await one.put("acme", KEYS[0], b"packed", seconds=seconds)
    with redis_server.client() as client:
        assert left - 1 <= client.ttl(f"{PREFIX}:acme:{{{KEYS[0]}}}") <= left


async def test_an_organizations_are_found_and_removed_and_nobody_elses(redis_server: RedisServer) -> None:
    async with hot(redis_server) as one:
        for organization in ("acme", "acme:x", "a*me", "ac"):
            for key in KEYS[:3]:
                await one.put(organization, key, organization.encode())
        assert [await one.count(name) for name in ("acme", "a*me", "nobody")] == [3, 3, 0]
        found = {key: packed async for key, packed in one.every("a*me")}
        assert found == dict.fromkeys(KEYS[:3], b"a*me")
        await one.remove("a*me", KEYS[:2])
        assert [key async for key, _ in one.every("a*me")] == [KEYS[2]]
        await one.drop("a*me", KEYS[2])
        assert [key async for key, _ in one.every("a*me")] == []
        assert {key async for key, _ in one.every("acme")} >= set(KEYS[:3])


async def test_a_redis_that_hangs_is_waited_for_once_and_used_when_it_is_back(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PROBE_SECONDS", 0.05)
    async with hot(redis_server, timeout=0.1) as one:
        await one.put("acme", KEYS[0], b"packed")
        redis_server.freeze()
        assert await one.get("acme", KEYS[0]) is None
        assert not one.up
        began = asyncio.get_running_loop().time()
        for _ in range(1000):
            assert await one.get("acme", KEYS[0]) is None
            await one.put("acme", KEYS[0], b"other")
            await one.drop("acme", KEYS[0])
        # Nobody waited: a thousand waits would be 100 s.
        assert asyncio.get_running_loop().time() - began < 10
        with pytest.raises(Away):
            await one.info()
        redis_server.thaw()
        await until(lambda: one.up)
        assert await one.get("acme", KEYS[0]) == b"packed"


async def test_one_that_dies_is_said_to_be_away_where_it_is_needed() -> None:
    with started() as server:
        await _dies(server)


async def _dies(server: RedisServer) -> None:
    async with hot(server) as one:
        assert (await one.info())["connected_clients"] >= 1
        server.kill()
        with pytest.raises(Away):
            await one.remove("acme", KEYS[:1])
        with pytest.raises(Away):
            [key async for key, _ in one.every("acme")]
        with pytest.raises(Away):
            await one.count("acme")
        await one.put("acme", KEYS[0], b"packed")
        assert not one.up


async def test_a_cancelled_question_gets_nobody_elses_answer(redis_server: RedisServer) -> None:
    """S12: 3 000 questions, a tenth cancelled."""
    async with hot(redis_server, timeout=5.0) as one:
        for number in range(100):
            await one.put("acme", f"{number:064x}", str(number).encode())

        async def ask(number: int) -> tuple[int, bytes | None]:
            return number, await one.get("acme", f"{number:064x}")

        chance = random.Random(7)
        for _ in range(60):
            asked = [asyncio.create_task(ask(chance.randrange(100))) for _ in range(50)]
            await asyncio.sleep(chance.random() * 0.002)
            for task in chance.sample(asked, 5):
                task.cancel()
            for answer in await asyncio.gather(*asked, return_exceptions=True):
                if not isinstance(answer, BaseException):
                    number, packed = answer
                    assert packed == str(number).encode()
        assert one.up


async def test_a_redis_that_is_full_still_gives_what_it_has(caplog: pytest.LogCaptureFixture) -> None:
    with started() as server:
        await _fills_up(server)
    assert "Redis does not keep an answer (1 so far)" in caplog.text
    assert "(3 so far)" not in caplog.text


async def _fills_up(server: RedisServer) -> None:
    async with hot(server) as one:
        await one.put("acme", KEYS[0], b"packed")
        with server.client() as client:
            client.config_set("maxmemory", "1kb")
        for key in KEYS[1:6]:
            await one.put("acme", key, b"packed")
        assert (one.up, one.refused) == (True, 5)
        assert await one.get("acme", KEYS[0]) == b"packed"
        assert await one.claim("acme", KEYS[0], "token") == b"packed"
        assert await one.claim("acme", KEYS[7], "token", streamed=True) is None
        assert not await one.append("acme", KEYS[7], b"piece", 1)
        assert one.up
