"""The cache when what it leans on is lost: nobody gets an error, and what was paid for is kept all the same."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from tests.databases import Postgres
from tests.journeys.rows import exported
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT
from tests.processes import KEY, Running, gateway, simulated
from tests.redis_servers import RedisServer

CONFIG: Final = """
gateway:
  drain: {{announce_seconds: 0, finish_seconds: 5}}
  on_disconnect: {policy}
services: {{{services}}}
models:
  - {{name: sim, provider: simulated/echo, price: {{input: 1, output: 2}}}}
  - {{name: slow, provider: openai/echo, base_url: "{upstream}/v1", api_key: sk-upstream}}
pipeline:
  - use: redis_cache
  - use: limiter
    config: {{limits: [{{scope: organization, unit: requests, per: hour, limit: 1000000}}]}}
"""
HEADERS: Final = {"authorization": f"Bearer {KEY}"}
_QUESTIONS: Final = 40
_CLIENTS: Final = 8


def config(*services: str, upstream: str = "http://127.0.0.1:9", policy: str = "cancel") -> str:
    return CONFIG.format(services=", ".join(services), upstream=upstream, policy=policy)


def question(number: int, model: str = "sim", **fields: Any) -> dict[str, Any]:
    text = f"Question {number} " + "word " * 20
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


async def steady(
    one: Running, seconds: float, trouble: Callable[[], Awaitable[None]]
) -> tuple[Counter[int], Counter[str]]:
    """Clients who ask a few questions again and again, half of them for streams: statuses, and what the cache said."""
    statuses: Counter[int] = Counter()
    states: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def client(session: aiohttp.ClientSession, chance: random.Random) -> None:
        while loop.time() < end:
            number = int(_QUESTIONS * chance.random() ** 2)
            body = question(number, stream=chance.random() < 0.5)
            async with session.post(one.url + CHAT, json=body) as answer:
                text = await answer.text()
                statuses[answer.status] += 1
                states[answer.headers.get("x-cognitude-cache", "")] += 1
                assert f"Question {number} " in text.replace('"},"finish_reason', " ") or body["stream"]
                assert not body["stream"] or "[DONE]" in text

    async with aiohttp.ClientSession(headers=HEADERS, trust_env=False) as session:
        await asyncio.gather(trouble(), *(client(session, random.Random(seed)) for seed in range(_CLIENTS)))
    return statuses, states


@pytest.mark.parametrize("kind", ["frozen", "killed", "forgetful"])
async def test_under_load_a_redis_that_is_lost_costs_no_answer(
    tmp_path: Path, redis_server: RedisServer, kind: str
) -> None:
    """R5, L4."""

    async def trouble() -> None:
        await asyncio.sleep(0.5)
        if kind == "frozen":
            redis_server.freeze()
            await asyncio.sleep(1.5)
            redis_server.thaw()
        elif kind == "killed":
            redis_server.kill()
            await asyncio.sleep(1.5)
            await asyncio.to_thread(redis_server.start)
        else:
            with redis_server.client() as client:
                for forget in (client.script_flush, client.flushall, client.script_flush, client.flushall):
                    await asyncio.sleep(0.3)
                    forget()

    with gateway(config(f"redis: '{redis_server.url}'"), tmp_path) as one:
        statuses, states = await steady(one, 4.0, trouble)
        assert set(statuses) == {200}
        assert sum(states.values()) > 100
        assert states["miss"] <= _QUESTIONS, "what is in the database is paid for once"
        with one.client() as client:
            assert eventually(lambda: client.get("/health").json()["plugins"]["redis_cache"]["redis"]["status"] == "ok")
        assert one.stop() == 0
        assert "Traceback" not in one.text()
    rows = exported(tmp_path)
    assert len(rows) == sum(statuses.values())
    assert Counter(row["source"] for row in rows)["provider"] == states["miss"]


async def test_without_redis_and_database_it_serves_and_catches_up(
    tmp_path: Path, redis_server: RedisServer, postgres: Postgres
) -> None:
    """R9. What memory has is given, the rest is asked of the provider; afterwards everything is written."""
    with postgres.fresh() as url:
        services = f"redis: '{redis_server.url}'", f"database: '{url}'"
        with gateway(config(*services), tmp_path) as one, one.client() as client:
            for number in range(5):
                assert client.post(CHAT, json=question(number)).headers["x-cognitude-cache"] == "miss"
            redis_server.kill()
            postgres.kill()
            try:
                states = [client.post(CHAT, json=question(0)).headers["x-cognitude-cache"]]
                for number in range(5, 25):
                    for _ in range(2):
                        answer = client.post(CHAT, json=question(number))
                        assert answer.status_code == 200, answer.text
                        states.append(answer.headers["x-cognitude-cache"])
                assert states[0] == "hit"
                assert Counter(states[1:]) == {"miss": 20, "hit": 20}
                assert eventually(lambda: client.get("/readyz").json()["status"] == "degraded", 10)
                assert client.get("/readyz").status_code == 200
                assert client.get("/health").json()["ledger"]["waiting_bytes"] > 0
            finally:
                postgres.start()
                redis_server.start()
            assert eventually(lambda: client.get("/health").json()["ledger"]["lag_seconds"] == 0)
            assert eventually(lambda: client.get("/readyz").json()["status"] == "ok", 10)
            stats = client.get("/cache/stats").json()
            assert (stats["total_calls"], stats["total_hits"]) == (46, 21)
            assert eventually(lambda: client.get("/cache/stats").json()["total_entries"] == 25, 10)
            assert one.stop() == 0
        rows = exported(tmp_path)
        assert Counter(row["source"] for row in rows) == {"provider": 25, "redis_cache": 21}


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Ten milliseconds between the words of its answers."""
    with simulated(tmp_path_factory.mktemp("slow"), "--latency-ms", "100", "--chunk-ms", "10") as one:
        yield one


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("policy", ["cancel", "drain"])
async def test_an_answer_whose_reader_has_left_is_kept_if_it_is_read_to_its_end(
    tmp_path: Path, slow: Running, policy: str, stream: bool
) -> None:
    with gateway(config(upstream=slow.url, policy=policy), tmp_path) as one, one.client() as client:
        body = question(1, "slow", stream=stream)
        async with aiohttp.ClientSession(headers=HEADERS, trust_env=False) as session:
            if stream:
                async with session.post(one.url + CHAT, json=body) as answer:
                    await answer.content.readany()
                    answer.close()
            else:
                leaving = asyncio.create_task(session.post(one.url + CHAT, json=body))
                await asyncio.sleep(0.05)
                leaving.cancel()
                await asyncio.gather(leaving, return_exceptions=True)
        assert await asyncio.to_thread(eventually, lambda: client.get("/health").json()["in_flight"] == 0)
        again = await asyncio.to_thread(client.post, CHAT, json=body)
        assert again.headers["x-cognitude-cache"] == ("hit" if policy == "drain" else "miss")
        assert one.stop() == 0
    first = exported(tmp_path)[0]
    assert (first["complete"], first["error"]) == (False, "client_disconnect")
