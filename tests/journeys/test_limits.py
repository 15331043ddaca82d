"""Over the limit: nobody gets more than his share, and everybody is told how long to wait."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import aiohttp
import httpx
import openai
import pytest

from tests.journeys.rows import exported
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT
from tests.processes import CLI, KEY, Running, gateway, simulated

CONFIG: Final = """
gateway:
  drain: {{announce_seconds: 0, finish_seconds: 5}}
{services}
models:
  - {{name: sim, provider: simulated/echo, price: {{input: 1, output: 2}}}}
  - name: long
    provider: simulated/small
    price: {{input: 1, output: 2}}
    options: {{completion_tokens: 590, tokens_per_chunk: 59}}
  - name: slow
    provider: openai/small
    base_url: "{upstream}/v1"
    api_key: sk-upstream
    price: {{input: 1, output: 2}}
pipeline:
  - use: limiter
    config:
      limits:
{limits}
"""
HELLO: Final = [{"role": "user", "content": "Hello"}]


def config(*limits: str, redis: str = "memory", upstream: str = "http://127.0.0.1:9") -> str:
    lines = "\n".join(f"        - {{{limit}}}" for limit in limits)
    services = "" if redis == "memory" else f"services: {{redis: '{redis}'}}"
    return CONFIG.format(services=services, limits=lines, upstream=upstream)


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with simulated(tmp_path_factory.mktemp("endless"), "--faults", "endless", "--chunk-ms", "5") as one:
        yield one


def usage(one: Running, unit: str) -> int:
    """What is counted of the organization's limit of this unit."""
    with one.client() as client:
        found = client.get("/rate-limits/usage").raise_for_status().json()["limits"]
    return next(int(float(limit["used"])) for limit in found if limit["unit"] == unit)


async def many(url: str, count: int, clients: int, **body: Any) -> Counter[int]:
    """How often which status was answered."""
    statuses: Counter[int] = Counter()
    left = iter(range(count))

    async def work(session: aiohttp.ClientSession) -> None:
        for _ in left:
            async with session.post(url + CHAT, json={"model": "sim", "messages": HELLO, **body}) as answer:
                await answer.read()
                statuses[answer.status] += 1

    headers = {"authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(headers=headers, trust_env=False) as session:
        await asyncio.gather(*(work(session) for _ in range(clients)))
    return statuses


def away_from_the_hour() -> None:
    """A test that counts within a window must not lie across its end."""
    left = 3600 - time.time() % 3600
    if left < 40:
        time.sleep(left + 0.5)


async def test_two_workers_admit_exactly_what_the_limit_says(tmp_path: Path) -> None:
    """R3, with the Redis that the gateway starts by itself."""
    away_from_the_hour()
    hour = "scope: organization, unit: requests, per: hour, limit: 100"
    day = "scope: organization, unit: requests, per: day, limit: 100000"
    with gateway(config(hour, day, redis="embedded"), tmp_path, "--workers", "2") as one:
        statuses = await many(one.url, 6400, 64)
        assert statuses == {200: 100, 429: 6300}
        with one.client() as client:
            found = client.get("/rate-limits/usage").json()["limits"]
        # A refusal by the hour has taken nothing from the day.
        assert [(limit["per"], limit["used"], limit["remaining"]) for limit in found] == [
            ("hour", 100, 0),
            ("day", 100, 99_900),
        ]
        assert one.stop() == 0


async def test_parallel_calls_never_use_more_tokens_than_there_are(tmp_path: Path) -> None:
    """R4: 50 at once, each reserves about 1 000 of 10 000 tokens a minute and uses about 600."""
    away_from_the_hour()
    with gateway(config("scope: organization, unit: tokens, per: hour, limit: 10000"), tmp_path) as one:
        first = await many(one.url, 50, 50, model="long", max_tokens=990)
        assert first[200] <= 10
        assert first[200] + first[429] == 50
        admitted = first[200]
        # What was not used can be had again, a call or two at a time.
        for _ in range(20):
            admitted += (await many(one.url, 2, 2, model="long", max_tokens=990))[200]
            await asyncio.sleep(0.3)
        rows = [row for row in exported(tmp_path) if row["status"] == 200]
        spent = sum(row["prompt_tokens"] + row["completion_tokens"] for row in rows)
        assert len(rows) == admitted
        assert 8_000 < spent <= 10_000
        assert usage(one, "tokens") == spent


@pytest.mark.parametrize("per", ["second", pytest.param("minute", marks=[pytest.mark.soak, pytest.mark.timeout(400)])])
def test_the_openai_client_waits_as_long_as_it_is_told_and_no_longer(tmp_path: Path, per: str) -> None:
    """Eight calls at five a window with the client's own retries: it asks once for each wait, when there is room."""
    waits: list[tuple[float, float]] = []

    def told(answer: httpx.Response) -> None:
        if answer.status_code == 429:
            waits.append((time.monotonic(), int(answer.headers["retry-after-ms"]) / 1000))

    with gateway(config(f"scope: organization, unit: requests, per: {per}, limit: 5"), tmp_path) as one:
        heard = httpx.Client(event_hooks={"response": [told]}, trust_env=False)
        with openai.OpenAI(base_url=f"{one.url}/v1", api_key=KEY, http_client=heard) as client:
            for _ in range(8):
                client.chat.completions.create(model="sim", messages=HELLO)  # type: ignore[arg-type]
        ended = time.monotonic()
        rows = exported(tmp_path)
    statuses = [row["status"] for row in sorted(rows, key=lambda row: row["time_ms"])]
    assert statuses.count(200) == 8
    # Every refusal is followed by an answer: nobody asked while there was no room.
    assert all(after == 200 for before, after in pairwise(statuses) if before == 429)
    assert statuses[-1] == 200
    # Nobody slept on when there was room.
    for asked, wait in waits[-1:]:
        assert wait <= ended - asked <= wait + 5


def test_a_budget_that_is_used_up_fails_at_once_and_once(tmp_path: Path) -> None:
    limit = "scope: organization, unit: cost_usd, per: day, limit: 0.0021, window: calendar"
    with gateway(config(limit), tmp_path) as one:
        client = openai.OpenAI(base_url=f"{one.url}/v1", api_key=KEY)
        with pytest.raises(openai.RateLimitError) as caught:
            _spend(client)
        assert caught.value.code == "insufficient_quota"
        assert caught.value.response.headers["x-should-retry"] == "false"
        rows = exported(tmp_path)
    assert [row["status"] for row in rows].count(429) == 1
    assert sum(row["cost_nano_usd"] for row in rows) <= 2_100_000


def _spend(client: openai.OpenAI) -> None:
    for _ in range(1000):
        client.chat.completions.create(model="long", messages=HELLO, max_tokens=600)  # type: ignore[arg-type]


def test_a_stream_whose_budget_runs_out_ends_cleanly(tmp_path: Path, endless: Running) -> None:
    """The last words, a finish reason, usage, [DONE]; and the provider is not left generating."""
    limit = "scope: organization, unit: cost_usd, per: day, limit: 0.0001, window: calendar"
    with gateway(config(limit, upstream=endless.url), tmp_path) as one:
        client = openai.OpenAI(base_url=f"{one.url}/v1", api_key=KEY)
        stream = client.chat.completions.create(
            model="slow", messages=HELLO, stream=True, max_tokens=20, stream_options={"include_usage": True}
        )  # type: ignore[call-overload]
        chunks = list(stream)
        finished = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
        assert finished[-1] == "length"
        assert set(finished[:-1]) == {None}
        assert (
            chunks[-1].usage.completion_tokens
            == len(finished) - 1 - sum(not chunk.choices[0].delta.content for chunk in chunks[:-2] if chunk.choices)
            or chunks[-1].usage.completion_tokens > 20
        )
        [row] = exported(tmp_path)
        assert (row["status"], row["complete"], row["usage_reported"]) == (200, True, False)
        assert 50_000 < row["cost_nano_usd"] <= 110_000
        with endless.client() as upstream:
            assert eventually(lambda: upstream.get("/stats").json()["open"] == 0)


async def test_a_client_that_leaves_pays_for_what_it_got(tmp_path: Path, endless: Running) -> None:
    limits = ("scope: organization, unit: tokens, per: day, limit: 100000", "scope: key, unit: concurrency, limit: 3")
    with gateway(config(*limits, upstream=endless.url), tmp_path) as one:
        body = {"model": "slow", "messages": HELLO, "stream": True, "max_tokens": 5000}
        headers = {"authorization": f"Bearer {KEY}"}
        async with (
            aiohttp.ClientSession(headers=headers, trust_env=False) as session,
            session.post(one.url + CHAT, json=body) as answer,
        ):
            for _ in range(15):
                await answer.content.readuntil(b"\n\n")
            assert usage(one, "concurrency") == 1
            assert usage(one, "tokens") > 1000
        assert eventually(lambda: usage(one, "concurrency") == 0)
        [row] = exported(tmp_path)
        assert not row["complete"]
        assert usage(one, "tokens") == row["prompt_tokens"] + row["completion_tokens"] < 200


async def test_no_more_calls_are_under_way_than_may_be(tmp_path: Path, endless: Running) -> None:
    with gateway(config("scope: key, unit: concurrency, limit: 3", upstream=endless.url), tmp_path) as one:
        headers = {"authorization": f"Bearer {KEY}"}
        body = {"model": "slow", "messages": HELLO, "stream": True}
        async with aiohttp.ClientSession(headers=headers, trust_env=False) as session:
            answers = [await session.post(one.url + CHAT, json=body) for _ in range(4)]
            assert [answer.status for answer in answers] == [200, 200, 200, 429]
            assert (await answers[3].json())["error"]["code"] == "rate_limit_exceeded"
            answers[0].close()
            assert await asyncio.to_thread(eventually, lambda: usage(one, "concurrency") == 2)
            again = await session.post(one.url + CHAT, json=body)
            assert again.status == 200
            for answer in (*answers, again):
                answer.close()


def test_what_an_answer_says_of_the_limits(tmp_path: Path) -> None:
    limits = (
        "scope: organization, unit: requests, per: minute, limit: 10",
        "scope: organization, unit: requests, per: hour, limit: 100",
        "scope: user, unit: tokens, per: day, limit: 100000, window: calendar",
    )
    with gateway(config(*limits), tmp_path) as one, one.client() as client:
        if 60 - time.time() % 60 < 5:
            time.sleep(6)
        answers = [client.post(CHAT, json={"model": "sim", "messages": HELLO, "user": "ann"}) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        first, last, refused = answers[0].headers, answers[9].headers, answers[10].headers
        # L2: in one window, the same everywhere.
        assert len({answer.headers["x-ratelimit-reset"] for answer in answers}) == 1
        assert int(first["x-ratelimit-reset"]) % 60 == 0
        assert [one["x-ratelimit-remaining"] for one in (first, last, refused)] == ["9", "0", "0"]
        assert [one["x-ratelimit-remaining-hour"] for one in (first, last, refused)] == ["99", "90", "90"]
        assert first["x-ratelimit-limit-requests"] == "10"
        assert first["x-ratelimit-limit-tokens"] == "100000"
        assert first["ratelimit-policy"].startswith('"organization-requests-minute";q=10;w=60, ')
        assert 0 < int(refused["retry-after-ms"]) <= 66_000
        assert int(refused["retry-after"]) == -(-int(refused["retry-after-ms"]) // 1000)
        # Who is not named as a user is not counted as one.
        assert "x-ratelimit-limit-tokens" not in client.post(CHAT, json={"model": "sim", "messages": HELLO}).headers


def test_a_dry_run_takes_nothing_and_says_how_it_stands(tmp_path: Path) -> None:
    with (
        gateway(config("scope: organization, unit: requests, per: day, limit: 3"), tmp_path) as one,
        one.client() as client,
    ):
        for _ in range(5):
            answer = client.post(
                CHAT, json={"model": "sim", "messages": HELLO}, headers={"x-cognitude-dry-run": "true"}
            )
            assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (200, "3")
        assert usage(one, "requests") == 0


def test_what_can_never_fit_is_refused_for_good(tmp_path: Path) -> None:
    with gateway(config("scope: organization, unit: tokens, per: minute, limit: 1000"), tmp_path) as one:
        with one.client() as client:
            body = {"model": "sim", "messages": [{"role": "user", "content": "word " * 2000}]}
            answer = client.post(CHAT, json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "request_exceeds_limit"
        assert "1000 tokens per minute" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        (("scope: organization, unit: requests, per: minute, limit: 100",
          "scope: organization, unit: requests, per: hour, limit: 50"), "per_hour 50 is lower than per_minute 100"),
        (("scope: organization, unit: requests, per: minute, limit: -1",), "greater than 0"),
        (("scope: organization, unit: requests, per: minute, limit: 0",), "greater than 0"),
        (("scope: organization, unit: requests, per: minute, limit: 1.5",), "not a whole number"),
        (("scope: organization, unit: requests, per: fortnight, limit: 1",), "'second', 'minute'"),
        (("scope: organization, unit: cost_usd, per: day, limit: 1e30",), "more than"),
        (("scope: organization, unit: requests, limit: 5",), "needs per"),
        (("scope: key, unit: concurrency, per: day, limit: 5",), "has no per"),
    ],
)  # fmt: skip
def test_a_limit_that_makes_no_sense_is_named_with_its_line(tmp_path: Path, limits: tuple[str, ...], rule: str) -> None:
    import subprocess

    (tmp_path / "plugins.yaml").write_text(config(*limits))
    done = subprocess.run([*CLI, "check", "--config", "plugins.yaml"], cwd=tmp_path, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert rule in said
    assert "pipeline[0].config" in said
