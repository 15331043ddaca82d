"""A budget that is spent: fifty expensive calls at once do not spend it twice, and no restart begins it anew."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import aiohttp
import pytest

from cognitude_plugins.gateway.ledger.prompt_estimate import prompt_estimate
from tests.journeys.overcharging import overcharging
from tests.journeys.rows import exported
from tests.journeys.wire import CHAT
from tests.processes import KEY, Running, gateway
from tests.redis_servers import RedisServer

_PUBLISHER: Final = """
import json
from contextlib import asynccontextmanager
from pathlib import Path

from hooks import Ceiling, hookimpl


@hookimpl
@asynccontextmanager
async def lifespan(gateway):
    ceilings = json.loads(Path("ceilings.json").read_text())
    gateway.ceilings.publish("test", [Ceiling(**one) for one in ceilings])
    assert gateway.ceilings.held
    yield
"""
_CONFIG: Final = """
gateway:
  drain: {{announce_seconds: 0, finish_seconds: 5}}
{services}
models:
  - {{name: sim, provider: simulated/echo, price: {{input: 1000, output: 2000}}}}
  - name: dear
    provider: openai/small
    base_url: "{upstream}"
    api_key: sk-upstream
    price: {{input: 1, output: 2}}
pipeline:
  - use: limiter
    config:
      completion_tokens: 100
      redis_timeout: 5
      limits: []
  - use: ./publisher.py
"""
MONTH: Final = {"id": "b1", "organization": "default", "name": "team", "per": "month"}
INPUT: Final = 1_000
OUTPUT: Final = 2_000
CAP: Final = 100


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder)).start()
        yield server
        server.stop()


def prepared(folder: Path, *ceilings: dict[str, Any], redis: str = "", upstream: str = "http://127.0.0.1:9/v1") -> str:
    """The configuration, with what publishes these ceilings beside it."""
    (folder / "publisher.py").write_text(_PUBLISHER)
    (folder / "ceilings.json").write_text(json.dumps(ceilings))
    return _CONFIG.format(services=f"services: {{redis: '{redis}'}}" if redis else "", upstream=upstream)


def body(seed: int) -> dict[str, Any]:
    """Some 2 000 bytes of a prompt, half of them streamed."""
    chance = random.Random(seed)
    text = " ".join(chance.choice(("word", "budget", "money", "gateway")) for _ in range(chance.randint(200, 400)))
    stream = {"stream": True, "stream_options": {"include_usage": True}} if seed % 2 else {}
    return {"model": "dear", "messages": [{"role": "user", "content": text}], "max_tokens": 400, **stream}


def estimated(request: dict[str, Any]) -> int:
    """For what a budget must have room before this call, as the limiter's README says."""
    prompt = prompt_estimate("chat", request)
    answer = min(CAP, request["max_tokens"]) if request.get("stream") else request["max_tokens"]
    return (prompt + -(-prompt // 4)) * INPUT + int(answer) * OUTPUT


async def until_refused(url: str, requests: list[dict[str, Any]]) -> tuple[Counter[str], dict[str, int], set[str]]:
    """Each of the calls again and again while calls under way hold the rest. What became of all; by the ids of those
    that were answered what they were estimated at; and the ids of those that the limiter has ended.
    """
    seen: Counter[str] = Counter()
    estimates: dict[str, int] = {}
    ended: set[str] = set()

    async def one(session: aiohttp.ClientSession, request: dict[str, Any]) -> None:
        while True:
            async with session.post(url + CHAT, json=request) as answer:
                raw = await answer.read()
            code = "" if answer.status == 200 else json.loads(raw)["error"]["code"]
            seen[f"{answer.status} {code}".strip()] += 1
            if not code:
                id = answer.headers["x-request-id"]
                estimates[id] = estimated(request)
                if b'"length"' in raw:
                    ended.add(id)
            if code != "budget_reserved":
                return
            assert answer.headers["retry-after"] == "1"
            await asyncio.sleep(0.1)

    headers = {"authorization": f"Bearer {KEY}"}
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(headers=headers, trust_env=False, connector=connector) as session:
        await asyncio.gather(*(one(session, request) for request in requests))
    return seen, estimates, ended


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("where", ["memory", "redis"])
async def test_fifty_expensive_calls_at_once_overspend_by_one_estimates_error_at_most(
    tmp_path: Path, redis_server: RedisServer, where: str, seed: int
) -> None:
    """Whole and streamed, of a provider that bills more than was estimated for each of them."""
    budget = 20_000_000
    requests = [body(1000 * seed + number) for number in range(50)]
    async with overcharging(seed) as provider:
        text = prepared(
            tmp_path,
            {**MONTH, "nano_usd": budget},
            redis=redis_server.url if where == "redis" else "",
            upstream=provider.url,
        )
        with gateway(text, tmp_path, "--workers", "2" if where == "redis" else "1") as one:
            seen, estimates, ended = await until_refused(one.url, requests)
            assert one.stop() == 0
    rows = [row for row in exported(tmp_path) if row["cost_nano_usd"]]
    spent = sum(row["cost_nano_usd"] for row in rows)
    # A stream that finds everything held by others is ended, with a finish reason that this provider never gives.
    reported = [row for row in rows if row["id"] not in ended]
    assert all(row["usage_reported"] for row in reported)
    errors = [row["cost_nano_usd"] - estimates[row["id"]] for row in reported]
    assert set(seen) <= {"200", "402 budget_exceeded", "429 budget_reserved"}
    assert seen["200"] == len(rows) >= len(reported) > 5
    assert seen["402 budget_exceeded"] == 50 - len(rows)
    assert provider.most_at_once > 1
    assert min(errors) > 0, "every single one that was billed cost more than was estimated"
    assert spent <= budget + max(errors) < budget + sum(errors)
    assert spent > budget - max(map(estimated, requests)), "what is left is less than a call needs"


def ask(one: Running, **headers: str) -> Any:
    """Some 10 to 20 thousandths of a dollar."""
    with one.client() as client:
        return client.post(
            CHAT, json={"model": "sim", "messages": [{"role": "user", "content": "Hello"}]}, headers=headers
        )


def test_a_spent_budget_is_refused_and_told(tmp_path: Path) -> None:
    text = prepared(tmp_path, {**MONTH, "nano_usd": 500_000_000, "scope": "tag", "value": "team=search"})
    with gateway(text, tmp_path) as one:
        tagged = {"x-cognitude-tags": "team=search, feature=x"}
        statuses = [ask(one, **tagged).status_code for _ in range(60)]
        assert statuses[0] == 200
        assert statuses[-1] == 402
        assert statuses == sorted(statuses)
        refused = ask(one, **tagged)
        error = refused.json()["error"]
        assert (error["code"], error["type"]) == ("budget_exceeded", "insufficient_quota")
        assert "budget 'team' (0.5 USD per month)" in error["message"]
        assert "It begins anew at" in error["message"]
        assert refused.headers["x-should-retry"] == "false"
        assert int(refused.headers["retry-after"]) > 0
        assert ask(one).status_code == 200
        assert ask(one, **{"x-cognitude-tags": "team=ads"}).status_code == 200
        with one.client() as client:
            [shown] = client.get("/rate-limits/usage").raise_for_status().json()["limits"]
            assert (shown["budget"], shown["scope"], shown["subject"]) == ("team", "tag", "team=search")
            assert (shown["limit"], shown["reserved"], shown["origin"]) == (0.5, 0, "budget")
            assert shown["used"] + shown["remaining"] == pytest.approx(0.5)
            assert client.get("/health").json()["plugins"]["limiter"]["budgets"] == {"held": 1, "unread": 0}


@pytest.mark.parametrize("where", ["memory", "redis"])
def test_what_was_spent_outlasts_the_counters(tmp_path: Path, redis_server: RedisServer, where: str) -> None:
    """The gateway is killed, and Redis emptied: the ledger is the least that counts."""
    text = prepared(tmp_path, {**MONTH, "nano_usd": 500_000_000}, redis=redis_server.url if where == "redis" else "")
    with gateway(text, tmp_path) as one:
        statuses = [ask(one).status_code for _ in range(60)]
        assert (statuses[0], statuses[-1]) == (200, 402)
        one.stop(signal.SIGKILL)
    with redis_server.client() as client:
        client.flushall()
    with gateway(text, tmp_path) as one:
        assert ask(one).status_code == 402


async def test_a_redis_that_is_emptied_is_told_within_seconds(tmp_path: Path, redis_server: RedisServer) -> None:
    text = prepared(tmp_path, {**MONTH, "nano_usd": 500_000_000}, redis=redis_server.url)
    with gateway(text, tmp_path) as one:
        for _ in range(60):
            await asyncio.to_thread(ask, one)
        await asyncio.sleep(12)
        with redis_server.client() as client:
            client.flushall()
        ask(one)
        await asyncio.sleep(2.5)
        assert ask(one).status_code == 402
