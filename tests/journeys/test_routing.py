"""The cheapest model that is good enough: learned from the traffic itself, over sockets."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from cognitude_plugins.complexity_router.complexity import complexity
from cognitude_plugins.complexity_router.features import describe
from tests.journeys.quiz import KINDS, Quiz, question, serving
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT
from tests.processes import KEY, Running, gateway

CONFIG: Final = """
gateway:
  drain: {{announce_seconds: 0, finish_seconds: 5}}
models:
  - {{name: large, provider: openai/large, base_url: "{url}/v1", api_key: sk-up, price: {{input: 2.5, output: 10}}}}
  - {{name: small, provider: openai/small, base_url: "{url}/v1", api_key: sk-up, price: {{input: 0.15, output: 0.6}}}}
  - {{name: judge, provider: openai/judge, base_url: "{url}/v1", api_key: sk-up, price: {{input: 0.15, output: 0.6}}}}
  - {{name: auto, candidates: [large, small]}}
pipeline:
  - use: complexity_router
    config: {{aliases: {{auto: {{min_quality: 0.9}}}}, shadow_rate: {rate}, judge: judge}}
"""
COST: Final = {"large": 1_250_000, "small": 75_000}
"""Billionths of a dollar for each answer of the quiz."""


@dataclass(frozen=True, slots=True)
class Answered:
    kind: str
    number: int
    model: str
    text: str

    @property
    def right(self) -> bool:
        return self.text == f"The answer is {self.number}"

    @property
    def cost(self) -> int:
        return COST[self.model]


@pytest.fixture
def quiz() -> Iterator[Quiz]:
    """Of the small model one kind is too much; the large one is wrong now and then."""
    shares = {("small", "math"): 0.2, ("large", "math"): 0.95, ("large", "code"): 0.97, ("small", "code"): 0.97}
    with serving(Quiz(shares=shares)) as one:
        yield one


async def traffic(url: str, calls: int, seed: int) -> list[Answered]:
    """Questions of all kinds in no order, eight at a time."""
    chance = random.Random(seed)
    questions = [(chance.choice(list(KINDS)), chance.randrange(10_000, 99_999)) for _ in range(calls)]
    turns = iter(questions)
    answered: list[Answered] = []

    async def client(session: aiohttp.ClientSession) -> None:
        for kind, number in turns:
            body = {"model": "auto", "messages": [{"role": "user", "content": question(kind, number)}]}
            async with session.post(url + CHAT, json=body) as response:
                found = await response.json()
                assert response.status == 200, found
                text = found["choices"][0]["message"]["content"]
                answered.append(Answered(kind, number, response.headers["x-cognitude-model"], text))

    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}) as session:
        await asyncio.gather(*(client(session) for _ in range(8)))
    return answered


def models_of(answered: Sequence[Answered]) -> dict[str, str]:
    """Where most of the calls of each kind went."""
    return {
        kind: Counter(one.model for one in answered if one.kind == kind).most_common(1)[0][0] for kind in sorted(KINDS)
    }


def heuristic(answered: Sequence[Answered], quiz: Quiz, quality: float) -> int:
    """What the same calls cost when those that look harder go to the large model, as few as keep this quality."""
    scored = sorted(answered, key=lambda one: complexity(describe(question(one.kind, one.number))).score)
    right = [{model: quiz.right(model, one.kind, one.number) for model in COST} for one in scored]
    for cheap in range(len(scored), -1, -1):
        kept = sum(one["small"] for one in right[:cheap]) + sum(one["large"] for one in right[cheap:])
        if kept >= quality * len(scored):
            return cheap * COST["small"] + (len(scored) - cheap) * COST["large"]
    raise AssertionError("no threshold keeps it")


def gains(one: Running) -> dict[tuple[str, str], int]:
    """Labels by candidate and kind of task."""
    with one.client() as client:
        found = client.get("/v1/smart/info").json()
    return {(gain["candidate"], gain["task"]): gain["labels"] for gain in found["gains"]}


@pytest.mark.timeout(240)
async def test_what_models_are_good_at_is_learned_from_two_of_a_hundred_calls(tmp_path: Path, quiz: Quiz) -> None:
    config = CONFIG.format(url=quiz.url, rate=0.02)
    with gateway(config, tmp_path) as one:
        first = await traffic(one.url, 2000, seed=1)
        assert models_of(first[:100]) == dict.fromkeys(sorted(KINDS), "large"), "nothing is known at first"
        assert 15 <= quiz.asked["small"] - sum(call.model == "small" for call in first) <= 60
        later = await traffic(one.url, 400, seed=2)
        assert models_of(later) == {"code": "small", "math": "large", "summarization": "small", "translation": "small"}
        quality = sum(call.right for call in later) / len(later)
        assert quality > 0.95
        assert sum(call.cost for call in later) < heuristic(later, quiz, quality)
        saved = await asyncio.to_thread(saved_since_start, one)
        assert saved > 0

        quiz.shares["small", "translation"] = 0.1
        await traffic(one.url, 2000, seed=3)
        after = await traffic(one.url, 200, seed=4)
        assert models_of(after)["translation"] == "large", "a model that became worse is routed around"
        assert models_of(after)["summarization"] == "small"


def saved_since_start(one: Running) -> int:
    found: list[int] = []

    def there() -> bool:
        with one.client() as client:
            sums = client.get("/analytics/usage").json()
        found.append(int(sums["total"]["saved_nano_usd"]) if "total" in sums else 0)
        return found[-1] > 0

    assert eventually(there)
    return found[-1]
