"""Limits that are counted in Redis, and what clients notice of one that is slow, gone or forgetful: hardly anything."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import pytest

from tests.journeys.test_limits import HELLO, away_from_the_hour, config, many, usage
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT
from tests.processes import KEY, Running, gateway
from tests.redis_servers import RedisServer


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """One of the test's own, which may do with it what it wants."""
    with TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder)).start()
        yield server
        server.stop()


HOUR = "scope: organization, unit: requests, per: hour, limit: 1000000"


async def steady(one: Running, seconds: float, trouble: Callable[[], Awaitable[None]]) -> Counter[tuple[int, str]]:
    """Status and mode of every answer to eight clients that ask without a pause, while there is trouble."""
    seen: Counter[tuple[int, str]] = Counter()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def client(session: aiohttp.ClientSession) -> None:
        while loop.time() < end:
            async with session.post(one.url + CHAT, json={"model": "sim", "messages": HELLO}) as answer:
                await answer.read()
                seen[answer.status, answer.headers.get("x-ratelimit-mode", "")] += 1

    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}, trust_env=False) as session:
        await asyncio.gather(trouble(), *(client(session) for _ in range(8)))
    return seen


def mode(one: Running) -> str:
    with one.client() as client:
        return client.post(CHAT, json={"model": "sim", "messages": HELLO}).headers.get("x-ratelimit-mode", "")


@pytest.mark.parametrize("kind", ["frozen", "killed"])
async def test_a_redis_that_is_gone_costs_no_answer(tmp_path: Path, redis_server: RedisServer, kind: str) -> None:
    """R5. Nothing but 200, with or without Redis, and Redis again when it is back."""
    away_from_the_hour()

    async def trouble() -> None:
        await asyncio.sleep(0.5)
        if kind == "frozen":
            redis_server.freeze()
            await asyncio.sleep(1.5)
            redis_server.thaw()
        else:
            redis_server.kill()
            await asyncio.sleep(1.5)
            await asyncio.to_thread(redis_server.start)

    with gateway(config(HOUR, redis=redis_server.url), tmp_path) as one:
        seen = await steady(one, 4.0, trouble)
        assert {status for status, _ in seen} == {200}
        assert seen[200, "degraded"] > 0
        assert seen[200, ""] > 0
        assert await asyncio.to_thread(eventually, lambda: mode(one) == "")
        with one.client() as client:
            assert client.get("/health").json()["plugins"]["limiter"]["counters"] == "redis"
        if kind == "frozen":
            # What was let through without it is counted in it afterwards, once.
            total = sum(seen.values())
            assert await asyncio.to_thread(eventually, lambda: usage(one, "requests") >= total)
            assert total <= usage(one, "requests") <= total + 20
        assert one.stop() == 0


async def test_a_redis_that_forgets_is_begun_anew(tmp_path: Path, redis_server: RedisServer) -> None:
    """L4: the script gone, and everything gone, under load."""

    async def trouble() -> None:
        with redis_server.client() as client:
            for forget in (client.script_flush, client.flushall, client.script_flush):
                await asyncio.sleep(0.4)
                forget()

    with gateway(config(HOUR, redis=redis_server.url), tmp_path) as one:
        seen = await steady(one, 2.0, trouble)
        assert {status for status, _ in seen} == {200}


async def test_what_was_refused_is_refused_again_without_redis(tmp_path: Path, redis_server: RedisServer) -> None:
    """L6: of 5 000 refusals at most one in a hundred has asked."""
    away_from_the_hour()
    limit = "scope: organization, unit: requests, per: hour, limit: 5"
    with gateway(config(limit, redis=redis_server.url), tmp_path) as one:
        assert (await many(one.url, 5, 1))[200] == 5
        before = _scripts(redis_server)
        assert await many(one.url, 5000, 32) == {429: 5000}
        assert _scripts(redis_server) - before <= 50


async def test_limits_outlast_the_gateway_in_redis(tmp_path: Path, redis_server: RedisServer) -> None:
    away_from_the_hour()
    limits = ("scope: organization, unit: requests, per: hour, limit: 10",)
    for expected in ({200: 6}, {200: 4, 429: 2}):
        with gateway(config(*limits, redis=redis_server.url), tmp_path) as one:
            assert await many(one.url, 6, 1) == expected
            assert one.stop() == 0


@pytest.mark.parametrize(("policy", "status"), [("open", 200), ("closed", 503)])
async def test_what_happens_without_redis_is_the_operators_choice(
    tmp_path: Path, redis_server: RedisServer, policy: str, status: int
) -> None:
    text = config("scope: organization, unit: requests, per: hour, limit: 3", redis=redis_server.url)
    text = text.replace("    config:\n", f"    config:\n      on_redis_error: {policy}\n")
    with gateway(text, tmp_path) as one:
        assert (await many(one.url, 3, 1)) == {200: 3}
        redis_server.kill()
        seen = await many(one.url, 20, 4)
        assert set(seen) <= {status, 429}
        assert seen[status] > 15


def test_a_redis_that_is_not_there_at_the_start_is_found_later(tmp_path: Path, redis_server: RedisServer) -> None:
    redis_server.kill()
    with gateway(config(HOUR, redis=redis_server.url), tmp_path) as one:
        assert mode(one) == "degraded"
        redis_server.start()
        assert eventually(lambda: mode(one) == "", 5)


def test_a_redis_that_may_forget_is_warned_about(tmp_path: Path, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.config_set("maxmemory", "64mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
    with gateway(config(HOUR, redis=redis_server.url), tmp_path) as one:
        assert eventually(lambda: "allkeys-lru" in one.text())


def _scripts(server: RedisServer) -> int:
    """How many calls of the script the server has run."""
    with server.client() as client:
        found: Any = client.info("commandstats")
    return int(found.get("cmdstat_evalsha", {}).get("calls", 0))
