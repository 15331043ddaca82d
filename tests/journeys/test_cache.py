"""The same question is paid for once: over sockets, workers and restarts, and when layers are lost."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp
import httpx
import openai
import pytest

import cognitude_plugins.redis_cache as package
from tests.journeys.rows import exported
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT
from tests.processes import ADMIN_KEY, CLI, KEY, Running, gateway, simulated
from tests.redis_servers import RedisCluster, RedisServer

CONFIG: Final = """
gateway:
  drain: {{announce_seconds: 0, finish_seconds: 5}}
services: {{redis: '{redis}'}}
models:
  - {{name: sim, provider: simulated/echo, price: {{input: 1, output: 2}}}}
  - name: slow
    provider: openai/echo
    base_url: "{upstream}/v1"
    api_key: sk-upstream
    price: {{input: 1, output: 2}}
pipeline:
  - use: redis_cache
    config: {{{settings}}}
"""
_SEEDS: Final = count(1)


def config(redis: str = "memory", upstream: str = "http://127.0.0.1:9", **settings: Any) -> str:
    given = ", ".join(f"{name}: {value}" for name, value in settings.items())
    return CONFIG.format(redis=redis, upstream=upstream, settings=given)


def question(model: str = "sim", text: str = "One two three four five six", **fields: Any) -> dict[str, Any]:
    """A new one each time, unless it has a seed."""
    given = {"seed": next(_SEEDS), **fields}
    return {"model": model, "messages": [{"role": "user", "content": text}], **given}


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A provider that takes so long to begin that a hundred clients are there before it does."""
    with simulated(tmp_path_factory.mktemp("slow"), "--latency-ms", "1500", "--chunk-ms", "20") as one:
        yield one


def ask(one: Running, body: dict[str, Any], **headers: str) -> httpx.Response:
    with one.client() as client:
        return client.post(CHAT, json=body, headers=headers)


def rows_of(folder: Path, number: int) -> list[dict[str, Any]]:
    """When they are all there."""
    found: list[list[dict[str, Any]]] = []

    def there() -> bool:
        found.append(exported(folder))
        return len(found[-1]) >= number

    assert eventually(there)
    assert len(found[-1]) == number
    return found[-1]


def state(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("x-cognitude-cache")


async def many(url: str, body: dict[str, Any], number: int) -> tuple[Counter[str], set[str]]:
    """All at once, each on a connection of its own: states and texts."""
    headers = {"authorization": f"Bearer {KEY}"}

    async def one() -> tuple[str, str]:
        async with (
            aiohttp.ClientSession(headers=headers, trust_env=False) as session,
            session.post(url + CHAT, json=body) as answer,
        ):
            return answer.headers["x-cognitude-cache"], _text(await answer.text())

    answers = await asyncio.gather(*(one() for _ in range(number)))
    return Counter(state_ for state_, _ in answers), {text for _, text in answers}


def _text(answer: str) -> str:
    """What it says, whole or streamed."""
    return "".join(re.findall(r'"content":"([^"]*)"', answer))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("workers", [1, 2])
async def test_a_hundred_who_ask_the_same_pay_once(
    tmp_path: Path, redis_server: RedisServer, slow: Running, workers: int, stream: bool
) -> None:
    redis = redis_server.url if workers > 1 else "memory"
    with gateway(config(redis, slow.url), tmp_path, "--workers", str(workers)) as one:
        body = question("slow", stream=stream)
        states, texts = await many(one.url, body, 100)
        assert states == {"miss": 1, "coalesced": 99}
        assert len(texts) == 1
        rows = rows_of(tmp_path, 100)
    paid = [row for row in rows if row["cost_nano_usd"]]
    assert [row["source"] for row in paid] == ["provider"]
    others = [row for row in rows if row not in paid]
    assert {(row["source"], row["cost_nano_usd"], row["saved_nano_usd"]) for row in others} == {
        ("redis_cache", 0, paid[0]["cost_nano_usd"])
    }
    assert len({row["cache_key"] for row in others}) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_leader_who_hangs_up_leaves_the_others_their_answer(
    tmp_path: Path, slow: Running, stream: bool
) -> None:
    with gateway(config(upstream=slow.url), tmp_path) as one:
        body = question("slow", stream=stream)
        headers = {"authorization": f"Bearer {KEY}"}
        async with aiohttp.ClientSession(headers=headers, trust_env=False) as leading:
            leader = asyncio.create_task(leading.post(one.url + CHAT, json=body))
            await asyncio.sleep(0.2)
            others = asyncio.create_task(many(one.url, body, 10))
            await asyncio.sleep(0.7)
            leader.cancel()
            states, texts = await others
        assert states == {"coalesced": 10}
        assert len(texts) == 1
        rows = rows_of(tmp_path, 11)
    left = next(row for row in rows if row["source"] == "provider")
    assert (left["complete"], left["error"]) == (False, "client_disconnect")
    assert left["cost_nano_usd"] > 0


async def test_who_follows_a_stream_on_another_worker_gets_it_while_it_comes(
    tmp_path: Path, redis_server: RedisServer, slow: Running
) -> None:
    with gateway(config(redis_server.url, slow.url), tmp_path, "--workers", "2") as one:
        body = question("slow", text="word " * 80, stream=True)
        begun: list[float] = []
        ended: list[float] = []

        async def read() -> str:
            headers = {"authorization": f"Bearer {KEY}"}
            async with (
                aiohttp.ClientSession(headers=headers, trust_env=False) as session,
                session.post(one.url + CHAT, json=body) as answer,
            ):
                first = await answer.content.readline()
                begun.append(time.monotonic())
                rest = await answer.content.read()
                ended.append(time.monotonic())
                return _text((first + rest).decode())

        texts = await asyncio.gather(*(read() for _ in range(20)))
        assert len(set(texts)) == 1
        assert max(begun) < min(ended), "everybody has its beginning before anybody has its end"
        rows = rows_of(tmp_path, 20)
    [paid] = [row for row in rows if row["source"] == "provider"]
    others = [row for row in rows if row is not paid]
    assert {(row["source"], row["cost_nano_usd"]) for row in others} == {("redis_cache", 0)}
    assert {row["saved_nano_usd"] for row in others} == {paid["cost_nano_usd"]}


def test_an_answer_outlasts_the_gateway(tmp_path: Path) -> None:
    body = question()
    for expected in ("miss", "hit"):
        with gateway(config(), tmp_path) as one:
            assert state(ask(one, body)) == (200, expected)
            assert one.stop() == 0


def test_the_openai_client_gets_the_same_from_a_hit(tmp_path: Path) -> None:
    """Whole and streamed, each from each."""
    with gateway(config(), tmp_path) as one, openai.OpenAI(base_url=f"{one.url}/v1", api_key=KEY) as client:
        for first, then in ((False, True), (True, False), (True, True), (False, False)):
            body = question()
            texts = [_said(client, body, streamed) for streamed in (first, then)]
            assert texts[0] == texts[1]
            assert texts[0][0]


def _said(client: openai.OpenAI, body: dict[str, Any], streamed: bool) -> tuple[str, str | None, int]:
    if not streamed:
        whole = client.chat.completions.create(**body)
        usage = whole.usage
        return (
            whole.choices[0].message.content or "",
            whole.choices[0].finish_reason,
            usage.total_tokens if usage else 0,
        )
    with client.chat.completions.stream(**body, stream_options={"include_usage": True}) as stream:
        final = stream.get_final_completion()
    usage = final.usage
    return final.choices[0].message.content or "", final.choices[0].finish_reason, usage.total_tokens if usage else 0


def test_a_redis_that_dies_costs_no_answer(tmp_path: Path, redis_server: RedisServer) -> None:
    """R5, L4: frozen, killed, started again empty; the database still has what was asked."""
    body = question()
    with gateway(config(redis_server.url, memory_bytes=0), tmp_path) as one:
        assert state(ask(one, body)) == (200, "miss")
        assert eventually(lambda: state(ask(one, body)) == (200, "hit"))
        redis_server.freeze()
        try:
            for _ in range(20):
                assert state(ask(one, body)) == (200, "hit")
            assert state(ask(one, question())) == (200, "miss")
            with one.client() as client:
                assert client.get("/health").json()["plugins"]["redis_cache"]["status"] == "degraded"
        finally:
            redis_server.thaw()
        assert eventually(lambda: _redis_is(one, "ok"))
        redis_server.kill()
        try:
            for _ in range(20):
                assert state(ask(one, body)) == (200, "hit")
        finally:
            redis_server.start()
        assert eventually(lambda: _redis_is(one, "ok"))
        assert state(ask(one, body)) == (200, "hit")
        with redis_server.client() as client:
            assert len(list(client.scan_iter("cognitude:cache:*"))) == 1
        with redis_server.client() as client:
            client.script_flush()
        assert state(ask(one, question())) == (200, "miss")
        assert "Traceback" not in one.text()


def _redis_is(one: Running, status: str) -> bool:
    with one.client() as client:
        found: str = client.get("/health").json()["plugins"]["redis_cache"]["redis"]["status"]
    return found == status


def test_an_admin_deletes_what_is_kept(tmp_path: Path, redis_server: RedisServer) -> None:
    with gateway(config(redis_server.url, memory_seconds=0), tmp_path) as one, one.client() as client:
        bodies = [question() for _ in range(5)]
        for body in bodies:
            assert state(ask(one, body)) == (200, "miss")
        assert eventually(lambda: client.get("/cache/stats").json()["total_entries"] == 5)
        found = client.delete("/cache", params={"dry_run": True}).json()
        assert (found["answers"], found["dry_run"]) == (5, True)
        assert state(ask(one, bodies[0])) == (200, "hit")
        assert client.delete("/cache", params={"model": "other"}).json()["answers"] == 0
        assert client.delete("/cache", params={"older_than": 3600}).json()["answers"] == 0
        assert client.delete("/cache").json()["answers"] == 5
        assert state(ask(one, bodies[0])) == (200, "miss")
        with one.client(key=ADMIN_KEY) as root:
            assert root.delete("/cache", params={"organization": "default"}).json()["answers"] == 1


def test_the_commands_of_the_readme_work(tmp_path: Path) -> None:
    text = (Path(package.__file__).parent / "README.md").read_text()
    (block,) = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    with gateway(config(), tmp_path) as one, one.client(key=ADMIN_KEY) as root:
        root.post("/admin/organizations", json={"id": "acme", "name": "Acme"}).raise_for_status()
        ask(one, question())
        for command in block.splitlines():
            done = run(one, *shlex.split(command)[1:])
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def run(one: Running, *words: str) -> subprocess.CompletedProcess[str]:
    keys = {"COGNITUDE_ADMIN_KEY": ADMIN_KEY, "COGNITUDE_API_KEY": KEY, "COGNITUDE_URL": one.url, "no_proxy": "*"}
    environ = {**os.environ, **keys, "COGNITUDE_CONFIG": str(one.log.parent / "plugins.yaml")}
    return subprocess.run([*CLI, *words], env=environ, capture_output=True, text=True, timeout=30, check=False)


def test_a_pause_is_made_between_the_chunks_of_a_hit(tmp_path: Path) -> None:
    with gateway(config(replay_ms=20), tmp_path) as one:
        body = question(text="word " * 40, stream=True)
        ask(one, body)
        began = time.monotonic()
        assert state(ask(one, body)) == (200, "hit")
        assert time.monotonic() - began > 0.1


def test_a_cluster_keeps_answers_on_all_of_its_nodes(tmp_path: Path, redis_cluster: RedisCluster) -> None:
    with gateway(config(redis_cluster.url, memory_bytes=0, sql="false"), tmp_path) as one, one.client() as client:
        bodies = [question() for _ in range(20)]
        for expected in ("miss", "hit"):
            assert {state(ask(one, body)) for body in bodies} == {(200, expected)}
        assert client.get("/health").json()["plugins"]["redis_cache"]["redis"]["status"] == "ok"
        assert client.get("/cache/stats").json()["redis_entries"] == 20
        assert client.delete("/cache", params={"dry_run": True}).json()["answers"] == 20
        assert client.delete("/cache").json()["answers"] == 20
        assert client.get("/cache/stats").json()["redis_entries"] == 0
        assert state(ask(one, bodies[0])) == (200, "miss")
