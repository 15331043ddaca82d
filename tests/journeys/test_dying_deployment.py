"""One of two deployments dies under load: no request fails, and its share is with the other within a second."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.processes import KEY, Running, gateway, simulated

RATE = 200
SECONDS = 4.0
DIES_AFTER = 1.5
MOVES_WITHIN = 1.0
CONFIG = """
gateway: {{drain: {{announce_seconds: 0}}}}
models:
  - {{name: m, provider: openai/echo, base_url: "{first}/v1", api_key: sk}}
  - {{name: m, provider: openai/echo, base_url: "{second}/v1", api_key: sk}}
"""


@dataclass(frozen=True, slots=True)
class Seen:
    began: float
    ended: float
    status: int
    attempts: int
    deployment: str


async def ask(session: aiohttp.ClientSession, one: Running, seen: list[Seen]) -> None:
    began = time.monotonic()
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    headers = {"authorization": f"Bearer {KEY}"}
    async with session.post(f"{one.url}/v1/chat/completions", json=body, headers=headers) as answer:
        await answer.read()
    told = answer.headers
    deployment = told.get("x-cognitude-model", "")
    seen.append(Seen(began, time.monotonic(), answer.status, int(told["x-cognitude-attempts"]), deployment))


async def under_load(one: Running, victim: Running) -> tuple[list[Seen], float]:
    """What was seen, and when the victim died."""
    seen: list[Seen] = []
    died = 0.0
    async with aiohttp.ClientSession(trust_env=False) as session, asyncio.TaskGroup() as group:
        began = time.monotonic()
        for number in range(int(RATE * SECONDS)):
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
            group.create_task(ask(session, one, seen))
            if not died and time.monotonic() - began >= DIES_AFTER:
                victim.process.kill()
                died = time.monotonic()
    return seen, died


async def test_no_request_fails_and_the_share_moves(tmp_path: Path) -> None:
    with (
        simulated(tmp_path, "--latency-ms", "50") as first,
        simulated(tmp_path, "--latency-ms", "50") as second,
        gateway(CONFIG.format(first=first.url, second=second.url), tmp_path) as one,
    ):
        seen, died = await under_load(one, first)
        assert len(seen) == RATE * SECONDS
        assert {call.status for call in seen} == {200}
        before = [call for call in seen if call.ended < died]
        assert {(call.attempts, call.deployment) for call in before} == {(1, "m")}
        assert max(call.attempts for call in seen) == 2, "no call costs more than one failed attempt"
        in_flight = sum(call.began <= died <= call.ended for call in seen)
        failed = sum(call.attempts - 1 for call in seen)
        assert 0 < failed <= in_flight + 5, "those under way, and until the breaker opens"
        late = [call for call in seen if call.began > died + MOVES_WITHIN]
        assert len(late) > RATE
        assert {(call.attempts, call.deployment) for call in late} == {(1, "m#2")}
