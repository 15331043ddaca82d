"""Nothing is unaccounted for: restarts, hang-ups, forced ends, and a database that is gone."""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from tests.databases import Postgres
from tests.journeys.rows import exported
from tests.journeys.traffic import PRICE, Traffic
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT
from tests.processes import KEY, Running, free_port, gateway, running, simulated

CONFIG = """
gateway:
  drain: {{announce_seconds: {announce}, finish_seconds: {finish}}}
  on_disconnect: {policy}
{services}
models:
  - {{name: sim, provider: simulated/echo, price: {price}, options: {{latency_ms: 2, chunk_ms: 1}}}}
  - {{name: slow, provider: openai/echo, base_url: "{upstream}/v1", api_key: sk-upstream, price: {price}}}
"""
TEXT = "word " * 60


def config(
    *,
    upstream: str = "http://127.0.0.1:9",
    announce: float = 0.0,
    finish: float = 20.0,
    policy: str = "cancel",
    services: str = "",
) -> str:
    return CONFIG.format(
        announce=announce,
        finish=finish,
        policy=policy,
        services=services,
        price=PRICE,
        upstream=upstream,
    )


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Twenty milliseconds between the words of its answers."""
    with simulated(tmp_path_factory.mktemp("slow"), "--chunk-ms", "20") as one:
        yield one


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with simulated(tmp_path_factory.mktemp("endless"), "--faults", "endless", "--chunk-ms", "20") as one:
        yield one


async def test_rolling_restarts_lose_nothing(tmp_path: Path) -> None:
    """R2. The next process is started on the port as soon as the one before has let go of it."""
    (tmp_path / "plugins.yaml").write_text(config(announce=2.0))
    port = free_port()
    words = ["serve", "--config", str(tmp_path / "plugins.yaml"), "--port", str(port)]
    traffic = Traffic(url=f"http://127.0.0.1:{port}", model="sim", requests=3000, clients=16, retries=200)

    def served() -> Any:
        return running(words, tmp_path, "/livez", port, {"COGNITUDE_BOOTSTRAP_KEY": KEY})

    one = served()
    serving = one.__enter__()
    load = asyncio.create_task(traffic.run())
    for turn in range(1, 5):
        while len(traffic.seen) < turn * 600 and not load.done():
            await asyncio.sleep(0.01)
        assert await asyncio.to_thread(serving.stop, signal.SIGTERM) == 0, serving.text()
        one.__exit__(None, None, None)
        one = served()
        serving = await asyncio.to_thread(one.__enter__)
    await load
    assert await asyncio.to_thread(serving.stop, signal.SIGTERM) == 0
    one.__exit__(None, None, None)
    assert traffic.failed == []
    assert all(seen.whole for seen in traffic.seen)
    rows = {row["id"]: row for row in exported(tmp_path)}
    assert len(traffic.seen) == 3000
    assert set(rows) == {seen.id for seen in traffic.seen}
    assert sum(row["cost_nano_usd"] for row in rows.values()) == sum(seen.cost_nano_usd or 0 for seen in traffic.seen)


async def test_every_hang_up_leaves_a_row_with_what_was_sent(tmp_path: Path, slow: Running) -> None:
    """R7. Two hundred streams, each left after a number of words of its own."""
    chance = random.Random(7)
    with gateway(config(upstream=slow.url), tmp_path) as one:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=False) as session:
            left = await asyncio.gather(*(leave(session, one, chance.randint(1, 20)) for _ in range(200)))
        assert eventually(lambda: stats(slow)["open"] == 0, 1.5), "upstreams are closed within a second"
        with one.client() as client:
            assert eventually(lambda: client.get("/health").json()["in_flight"] == 0, 2)
        assert one.stop() == 0
    rows = {row["id"]: row for row in exported(tmp_path)}
    assert set(rows) == {id for id, _ in left}
    for id, words in left:
        row = rows[id]
        assert (row["complete"], row["error"], row["status"]) == (False, "client_disconnect", 200)
        assert row["usage_reported"] is False
        assert 0 < row["completion_tokens"] <= 60 + 8, row
        assert row["completion_tokens"] >= words - 1
        assert row["prompt_tokens"] > 60
        assert row["cost_nano_usd"] == row["prompt_tokens"] * 1000 + row["completion_tokens"] * 2000


async def leave(session: aiohttp.ClientSession, one: Running, words: int) -> tuple[str, int]:
    body = {"model": "slow", "messages": [{"role": "user", "content": TEXT}], "stream": True}
    async with session.post(one.url + CHAT, json=body, headers={"authorization": f"Bearer {KEY}"}) as answer:
        assert answer.status == 200
        got = 0
        async for line in answer.content:
            got += b'"content"' in line
            if got > words:
                break
        answer.close()
        return answer.headers["x-request-id"], got


async def test_of_a_stream_that_is_left_only_what_was_sent_is_counted(tmp_path: Path) -> None:
    """R7: tokens ≤ sent. Each upstream says seven events of an answer of sixty words, and then nothing more."""
    with (
        simulated(tmp_path, "--faults", "stall@7", "--chunk-ms", "1") as stalled,
        gateway(config(upstream=stalled.url), tmp_path) as one,
    ):
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=False) as session:
            left = dict(await asyncio.gather(*(leave(session, one, 1 + number % 5) for number in range(50))))
        with one.client() as client:
            assert eventually(lambda: client.get("/health").json()["in_flight"] == 0, 2)
        assert one.stop() == 0
    rows = {row["id"]: row for row in exported(tmp_path)}
    assert set(rows) == set(left)
    assert {row["error"] for row in rows.values()} == {"client_disconnect"}
    counted = {id: (left[id], row["completion_tokens"]) for id, row in rows.items()}
    assert {id: found for id, found in counted.items() if not found[0] - 1 <= found[1] <= 7} == {}


def stats(one: Running) -> Any:
    return httpx.get(one.url + "/stats", trust_env=False).json()


async def test_with_drain_an_answer_without_a_reader_is_read_to_its_end(tmp_path: Path, slow: Running) -> None:
    with gateway(config(upstream=slow.url, policy="drain"), tmp_path) as one:
        async with aiohttp.ClientSession(trust_env=False) as session:
            id, _ = await leave(session, one, 3)
        with one.client() as client:
            assert client.get("/health").json()["in_flight"] == 1
            assert eventually(lambda: client.get("/health").json()["in_flight"] == 0, 5)
        assert one.stop() == 0
    (row,) = exported(tmp_path)
    assert row["id"] == id
    assert (row["complete"], row["error"], row["usage_reported"]) == (False, "client_disconnect", True)
    assert row["completion_tokens"] >= 60


@pytest.mark.parametrize("bound", ["seconds: 0.5", "usd: 0.00002"])
async def test_a_drain_is_bounded_in_time_and_money(tmp_path: Path, endless: Running, bound: str) -> None:
    policy = f"{{policy: drain, {bound}}}"
    with gateway(config(upstream=endless.url, policy=policy), tmp_path) as one:
        async with aiohttp.ClientSession(trust_env=False) as session:
            await leave(session, one, 3)
        began = time.monotonic()
        with one.client() as client:
            assert eventually(lambda: client.get("/health").json()["in_flight"] == 0, 5)
        assert time.monotonic() - began > 0.1
        assert eventually(lambda: stats(endless)["open"] == 0, 1.5)
        assert one.stop() == 0
    (row,) = exported(tmp_path)
    assert (row["complete"], row["error"], row["usage_reported"]) == (False, "client_disconnect", False)


async def test_a_forced_end_is_accounted_for(tmp_path: Path, endless: Running) -> None:
    """R8. Twenty streams that never end, one second of grace."""
    with gateway(config(upstream=endless.url, finish=1.0), tmp_path) as one:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=False) as session:
            reads = [asyncio.create_task(read_all(session, one)) for _ in range(20)]
            with one.client() as client:
                assert await asyncio.to_thread(eventually, lambda: client.get("/health").json()["in_flight"] == 20, 5)
            await asyncio.sleep(0.3)
            assert await asyncio.to_thread(one.stop) == 0, one.text()
            texts = await asyncio.gather(*reads)
    assert all("shutting_down" in text for text in texts)
    rows = exported(tmp_path)
    assert len(rows) == 20
    assert {(row["complete"], row["error"]) for row in rows} == {(False, "shutdown")}
    assert all(row["completion_tokens"] > 0 for row in rows)


async def read_all(session: aiohttp.ClientSession, one: Running) -> str:
    body = {"model": "slow", "messages": [{"role": "user", "content": TEXT}], "stream": True}
    async with session.post(one.url + CHAT, json=body, headers={"authorization": f"Bearer {KEY}"}) as answer:
        return await answer.text()


async def test_without_its_database_the_gateway_serves_and_catches_up(tmp_path: Path, postgres: Postgres) -> None:
    """R9, as far as SQL goes: the rows wait in the journal."""
    with postgres.fresh() as url:
        services = f"services: {{database: '{url}'}}"
        with gateway(config(services=services), tmp_path) as one, one.client() as client:
            before = Traffic(url=one.url, model="sim", requests=200)
            await before.run()
            postgres.kill()
            during = Traffic(url=one.url, model="sim", requests=2000, seed=1)
            await during.run()
            assert during.failed == []
            assert all(seen.whole for seen in during.seen)
            assert eventually(lambda: client.get("/readyz").json()["status"] == "degraded", 10)
            assert client.get("/readyz").status_code == 200
            assert client.get("/health").json()["ledger"]["waiting_bytes"] > 0
            postgres.start()
            assert eventually(lambda: client.get("/health").json()["ledger"]["lag_seconds"] == 0, 5)
            assert eventually(lambda: client.get("/readyz").json()["status"] == "ok", 5)
            usage = client.get("/analytics/usage").json()
            assert usage["total"]["calls"] == 2200
            seen = before.seen + during.seen
            assert usage["total"]["cost_nano_usd"] == sum(one.cost_nano_usd or 0 for one in seen)
            assert one.stop() == 0
        assert {row["id"] for row in exported(tmp_path)} == {one.id for one in seen}


def text_of(answer: httpx.Response) -> str:
    """What the model wrote, the pieces of a stream put together."""
    return "".join(re.findall(r'"content":"([^"]*)"', answer.text))


def test_prompts_and_answers_are_not_kept(tmp_path: Path) -> None:
    """S20. The canary is in the request, in the answer, and nowhere else."""
    canary = "canary7f3a9cprompt"
    with gateway(config(), tmp_path, "--log-level", "debug") as one, one.client() as client:
        for stream in (False, True):
            body = {"model": "sim", "messages": [{"role": "user", "content": canary}], "stream": stream}
            assert canary in text_of(client.post(CHAT, json=body))
        body = {"model": "nobody", "messages": [{"role": "user", "content": canary}]}
        assert client.post(CHAT, json=body).status_code == 404
        assert client.post(CHAT, content=json.dumps(body)[:-1] + canary).status_code == 400
        assert canary not in client.get("/health").text
        assert one.stop() == 0
    assert len(exported(tmp_path)) == 4
    holders = [path for path in tmp_path.rglob("*") if path.is_file() and canary.encode() in path.read_bytes()]
    assert holders == []
