"""A bad provider is contained: the right status each, never again after a first byte, few calls for nothing."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from tests.processes import KEY, Running, free_port, gateway, simulated

CALLS = 50
CLIENTS = 25
BUDGET = 0.2
FAULTS = {
    "refused": ("", False, 502, "provider_connect"),
    "reset": ("refuse", False, 502, "provider_reset"),
    "cut": ("reset", False, 502, "provider_reset"),
    "slow-head": ("slow_head=2", True, 504, "provider_timeout"),
    "stall": ("stall@2", True, 200, "provider_broke_off"),
    "break-off": ("reset@2", True, 200, "provider_broke_off"),
    "malformed-event": ("malformed@2", True, 200, None),
    "truncated": ("malformed", False, 502, "provider_malformed"),
    "429": ("429=7", False, 429, "rate_limit_exceeded"),
    "429-bare": ("429_bare", False, 429, "rate_limit_exceeded"),
    "500": ("500", False, 500, None),
    "503": ("503", False, 503, None),
    "wrong-type": ("wrong_type", False, 502, "provider_malformed"),
    "no-usage": ("no_usage", False, 200, None),
    "endless": ("endless", True, 200, "provider_broke_off"),
}
"""The model's name: the fault, whether streamed, the status, and the code of the error or of the event at the end."""

AGAIN = {"refused", "reset", "cut", "429-bare", "500", "503"}
"""After these the same deployment may be called again."""

HEAD = """
gateway:
  timeouts: {connect: 1, first_token: 0.4, between_chunks: 0.4, total: 1}
  drain: {announce_seconds: 0}
  retries: {base_seconds: 0.02}
  breaker: {cooldown_seconds: 0.6, longest_cooldown_seconds: 30}
models:
"""
OFF = ", breaker: {enabled: false}"


@dataclass(slots=True)
class Seen:
    status: int
    code: str | None
    attempts: int
    retry_after: float | None


@dataclass(slots=True)
class Place:
    one: Running
    upstream: Running

    def upstream_calls(self) -> int:
        return int(httpx.get(f"{self.upstream.url}/stats", trust_env=False).json()["calls"])

    async def ask(self, model: str, calls: int, clients: int = CLIENTS, *, stream: bool = False) -> list[Seen]:
        seen: list[Seen] = []
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=clients), trust_env=False) as session:
            await asyncio.gather(*(self._one(session, model, stream, seen) for _ in range(calls)))
        return seen

    async def _one(self, session: aiohttp.ClientSession, model: str, stream: bool, seen: list[Seen]) -> None:
        body = {"model": model, "messages": [{"role": "user", "content": "one two three four"}], "stream": stream}
        headers = {"authorization": f"Bearer {KEY}"}
        async with session.post(f"{self.one.url}/v1/chat/completions", json=body, headers=headers) as answer:
            raw = await answer.read()
        wait = answer.headers.get("retry-after-ms")
        attempts = int(answer.headers["x-cognitude-attempts"])
        seen.append(Seen(answer.status, code_of(raw), attempts, None if wait is None else float(wait) / 1000))


def code_of(raw: bytes) -> str | None:
    """The code of an error's body, or of the error event with which a stream ends."""
    import orjson

    last = raw.strip().rsplit(b"data: ", 1)[-1]
    if not last.startswith(b"{"):
        return None
    error = orjson.loads(last).get("error")
    return None if error is None else error.get("code")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("faults")
    with ExitStack() as stack:
        upstream = stack.enter_context(simulated(folder, "--host", "0.0.0.0"))
        wanted = [(name, fault, OFF) for name, (fault, *_) in FAULTS.items()]
        wanted += [(f"{name}-guarded", FAULTS[name][0], "") for name in ("500", "refused", "stall", "429")]
        wanted += [("probed", "503, slow_head=0.3", ", retries: {most: 0}")]
        models = [entry(name, fault, upstream, more, number) for number, (name, fault, more) in enumerate(wanted)]
        yield Place(stack.enter_context(gateway(HEAD + "".join(models), folder)), upstream)


def entry(name: str, fault: str, upstream: Running, more: str, number: int) -> str:
    """Each at an address of its own, so that none spends the retries of another."""
    headers = f', headers: {{x-simulate-fault: "{fault}"}}' if fault else ""
    port = upstream.url.rpartition(":")[2] if fault else free_port()
    base = f"http://127.0.0.{number + 2}:{port}/v1"
    return f'  - {{name: "{name}", provider: openai/echo, base_url: "{base}", api_key: sk{headers}{more}}}\n'


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_has_its_status_every_time(place: Place, name: str) -> None:
    fault, stream, status, code = FAULTS[name]
    before, began = place.upstream_calls(), time.monotonic()
    seen = await place.ask(name, CALLS, stream=stream)
    took, made = time.monotonic() - began, place.upstream_calls() - before
    assert Counter(one.status for one in seen) == {status: CALLS}, name
    assert {one.code for one in seen} == {code} or code is None
    attempts = sum(one.attempts for one in seen)
    if fault:
        assert made == attempts
    if name not in AGAIN:
        assert attempts == CALLS, "never again after a first byte, a timeout, or an answer that is none"
    assert attempts <= CALLS * (1 + BUDGET) + 10 * (took + 1)


@pytest.mark.parametrize("name", ["500-guarded", "refused-guarded"])
async def test_a_thousand_calls_to_a_dead_provider_are_few_there(place: Place, name: str) -> None:
    before, began = place.upstream_calls(), time.monotonic()
    first = await place.ask(name, 20, clients=1)
    assert sum(one.attempts for one in first) <= 20
    assert first[-1].code == "circuit_open"
    seen = [*first, *await place.ask(name, 980)]
    took = time.monotonic() - began
    assert {one.status for one in seen} <= {500, 502, 503}
    open_ = [one for one in seen if one.code == "circuit_open"]
    assert len(open_) > 900
    assert all(one.attempts == 0 and one.retry_after is not None and one.retry_after <= 30 for one in open_)
    assert place.upstream_calls() - before <= 1000 * BUDGET
    assert sum(one.attempts for one in seen) <= 20 + 2 * took, "and then one at a time finds out"


async def test_a_provider_that_says_when_to_come_back_is_not_asked_before(place: Place) -> None:
    before = place.upstream_calls()
    await place.ask("429-guarded", 1)
    seen = await place.ask("429-guarded", CALLS)
    assert Counter(one.status for one in seen) == {429: CALLS}
    assert all(one.retry_after is not None and 0 < one.retry_after <= 7 for one in seen)
    assert place.upstream_calls() - before == 1


async def test_streams_that_break_off_open_the_circuit_too(place: Place) -> None:
    seen = await place.ask("stall-guarded", 60, clients=5, stream=True)
    assert {one.status for one in seen} == {200, 503}
    assert sum(one.status == 200 for one in seen) <= 20


async def test_one_probe_finds_out_while_fifty_wait(place: Place) -> None:
    await place.ask("probed", 8, clients=4)
    for _ in range(3):
        wait = (await place.ask("probed", 1))[0].retry_after
        assert wait is not None, "it is open"
        await asyncio.sleep(wait + 0.02)
        before = place.upstream_calls()
        seen = await place.ask("probed", 50, clients=50)
        assert place.upstream_calls() - before == 1
        assert Counter(one.attempts for one in seen) == {0: 49, 1: 1}
        assert {one.status for one in seen} == {503}


async def test_what_happened_can_be_read(place: Place) -> None:
    await place.ask("500-guarded", 20)
    with place.one.client() as client:
        report: dict[str, Any] = client.get("/health").json()
        assert client.get("/readyz").status_code == 200
    dead = report["providers"]["500-guarded"]
    assert (dead["state"], dead["error_rate"], dead["in_flight"]) in [("open", 1.0, 0), ("half_open", 1.0, 0)]
    assert all(block["in_flight"] == 0 for block in report["providers"].values())


def test_the_folder_of_the_gateway_has_no_traceback(place: Place) -> None:
    assert "Traceback" not in Path(place.one.log).read_text()
