"""Clients hang up at any moment: the provider is let go within a second, and every call is booked exactly once."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.book import BOOK, booked
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT
from tests.processes import KEY, Running, gateway, simulated

CONFIG = """
gateway:
  drain: {{announce_seconds: 0}}
  breaker: {{enabled: false}}
models:
  - {{name: sim, provider: openai/small, base_url: "{url}/v1", api_key: sk-upstream}}
  - {{name: inside, provider: simulated/small, options: {{chunk_ms: 5, latency_ms: {latency}}}}}
pipeline:
{pipeline}
"""
LONG = {"messages": [{"role": "user", "content": "Tell me all"}], "stream": True}


class Place:
    """A gateway, its upstream, and the book its plugin writes."""

    def __init__(self, one: Running, upstream: Running, folder: Path) -> None:
        self.one, self.upstream, self._folder = one, upstream, folder

    def book(self) -> list[dict[str, Any]]:
        return booked(self._folder)

    def stats(self) -> dict[str, int]:
        found: dict[str, int] = httpx.get(f"{self.upstream.url}/stats", trust_env=False).json()
        return found

    def in_flight(self) -> int:
        return int(httpx.get(f"{self.one.url}/health", trust_env=False).json()["in_flight"])

    def client(self) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {KEY}"}
        limits = httpx.Limits(max_connections=None)
        return httpx.AsyncClient(base_url=self.one.url, headers=headers, timeout=20, trust_env=False, limits=limits)


@contextmanager
def place(folder: Path, *simulate: str, latency: int = 0, more: str = "") -> Iterator[Place]:
    (folder / "book.py").write_text(BOOK)
    with simulated(folder, *simulate) as upstream:
        config = CONFIG.format(url=upstream.url, latency=latency, pipeline=f"  - use: ./book.py\n{more}")
        with gateway(config, folder) as one:
            yield Place(one, upstream, folder)
            assert one.stop() == 0
            assert "Traceback" not in one.text()


async def left_after(client: httpx.AsyncClient, chunks: int, model: str = "sim") -> tuple[str, str]:
    """Begin a stream, take this many events, hang up: the call's id and the text received."""
    text = ""
    async with client.stream("POST", CHAT, json={**LONG, "model": model}) as answer:
        assert answer.status_code == 200
        lines = answer.aiter_lines()
        async for line in lines:
            if line.startswith("data: {"):
                text += (json.loads(line[6:])["choices"][0]["delta"].get("content")) or ""
                chunks -= 1
                if chunks <= 0:
                    break
        return answer.headers["x-request-id"], text


async def all_left(where: Place, count: int, model: str = "sim", at_once: int = 40) -> dict[str, str]:
    draw = random.Random(7)
    gate = asyncio.Semaphore(at_once)
    async with where.client() as client:

        async def one() -> tuple[str, str]:
            async with gate:
                return await left_after(client, draw.randint(1, 15), model)

        return dict(await asyncio.gather(*(one() for _ in range(count))))


def settled(where: Place, count: int) -> list[dict[str, Any]]:
    """The book once it has this many lines, and then no more of them."""
    assert eventually(lambda: len(where.book()) >= count), len(where.book())
    assert eventually(lambda: where.in_flight() == 0, seconds=1)
    assert len(where.book()) == count
    return where.book()


@pytest.mark.parametrize(
    "count", [pytest.param(200, id="bounded"), pytest.param(2000, id="long", marks=pytest.mark.soak)]
)
async def test_streams_left_at_a_random_chunk_are_let_go_and_booked_once(tmp_path: Path, count: int) -> None:
    with place(tmp_path, "--chunk-ms", "5") as where:
        left = await all_left(where, count)
        assert eventually(lambda: where.stats()["open"] == 0, seconds=1), where.stats()
        stats = where.stats()
        assert stats["calls"] == count
        book = settled(where, count)
        assert Counter(line["id"] for line in book) == Counter(list(left))
        aborted = [line for line in book if not line["complete"]]
        assert all(line["error"] == "client_disconnect" for line in aborted)
        assert all(line["error"] is None for line in book if line["complete"])
        # An upstream may have come to its end while the gateway was still passing it on.
        assert len(aborted) >= stats["cancelled"] > count * 0.5
        for line in aborted:
            said = line["body"]["choices"][0]["message"]["content"] or ""
            assert said.startswith(left[line["id"]]), line
            assert line["status"] == 200
            assert line["deployment"]
            assert 0 < line["first"] <= line["seconds"] < 10


async def test_the_same_holds_for_a_model_in_this_process(tmp_path: Path) -> None:
    with place(tmp_path) as where:
        left = await all_left(where, 60, "inside")
        book = settled(where, 60)
        assert {line["id"] for line in book} == set(left)
        assert sum(not line["complete"] for line in book) > 50


async def test_the_same_holds_behind_a_plugin_that_changes_the_stream(tmp_path: Path) -> None:
    with place(tmp_path, "--chunk-ms", "5", more="  - use: redact\n") as where:
        left = await all_left(where, 60)
        assert eventually(lambda: where.stats()["open"] == 0, seconds=1), where.stats()
        assert {line["id"] for line in settled(where, 60)} == set(left)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_leaving_before_the_head_is_booked_and_the_provider_let_go(tmp_path: Path, stream: bool) -> None:
    with place(tmp_path, "--latency-ms", "30000") as where:
        async with where.client() as client:
            for _ in range(20):
                with pytest.raises(httpx.ReadTimeout):
                    await client.post(CHAT, json={**LONG, "model": "sim", "stream": stream}, timeout=0.1)
        assert eventually(lambda: where.stats()["open"] == 0, seconds=1), where.stats()
        assert where.stats()["cancelled"] == where.stats()["calls"] == 20
        for line in settled(where, 20):
            assert (line["complete"], line["error"], line["status"]) == (False, "client_disconnect", 499)
            assert line["usage"] is None
            assert line["attempts"] == 1


async def test_leaving_while_a_deployment_is_being_retried_does_not_call_the_next_one(tmp_path: Path) -> None:
    with place(tmp_path, "--latency-ms", "30000") as where:
        async with where.client() as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.post(CHAT, json={**LONG, "model": "sim"}, timeout=0.2)
        settled(where, 1)
        await asyncio.sleep(0.3)
        assert where.stats()["calls"] == 1


async def test_calls_that_run_to_their_end_are_complete_and_say_their_tokens(tmp_path: Path) -> None:
    with place(tmp_path) as where:
        async with where.client() as client:
            for stream in (False, True):
                answer = await client.post(CHAT, json={**LONG, "model": "sim", "stream": stream})
                assert answer.status_code == 200
        for line in settled(where, 2):
            assert (line["complete"], line["error"]) == (True, None)
            assert line["usage"] > 10
            assert line["body"]["choices"][0]["finish_reason"] == "stop"
        first, second = where.book()
        assert first["usage"] == second["usage"]
        assert where.stats() == {"calls": 2, "open": 0, "cancelled": 0}


async def test_a_provider_that_breaks_off_is_booked_as_such(tmp_path: Path) -> None:
    with place(tmp_path, "--faults", "reset@4") as where:
        async with where.client() as client:
            for _ in range(10):
                answer = await client.post(CHAT, json={**LONG, "model": "sim"})
                assert '"code":"provider_broke_off"' in answer.text
        for line in settled(where, 10):
            assert (line["complete"], line["error"]) == (False, "provider_error")


async def test_what_is_refused_before_it_is_a_call_is_not_in_the_book(tmp_path: Path) -> None:
    with place(tmp_path) as where:
        async with where.client() as client:
            assert (await client.post(CHAT, content=b"{")).status_code == 400
            assert (await client.post(CHAT, json=LONG, headers={"authorization": "Bearer no"})).status_code == 401
            assert (await client.post(CHAT, json={**LONG, "model": "none"})).status_code == 404
        [line] = settled(where, 1)
        assert (line["status"], line["source"], line["attempts"]) == (404, "error", 0)
