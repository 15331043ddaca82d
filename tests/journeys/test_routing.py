"""The cheapest model that is good enough: learned from the traffic itself, over sockets."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import httpx
import openai
import pytest

from cognitude_plugins.complexity_router.complexity import complexity
from cognitude_plugins.complexity_router.features import describe
from tests.journeys.quiz import KINDS, Quiz, question, serving
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT
from tests.processes import CLI, KEY, Running, gateway

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
    """For the small model one kind is too much; the large one is wrong now and then."""
    shares = {("small", "math"): 0.2, ("large", "math"): 0.95}
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


def test_a_client_library_says_what_it_wants_and_how_good_the_answer_was(tmp_path: Path, quiz: Quiz) -> None:
    with gateway(CONFIG.format(url=quiz.url, rate=0), tmp_path) as one:
        client = openai.OpenAI(base_url=f"{one.url}/v1", api_key=KEY, max_retries=0)
        messages: Any = [{"role": "user", "content": question("translation", 12_345)}]
        raw = client.chat.completions.with_raw_response.create(
            model="auto", messages=messages, extra_body={"routing": {"optimize_for": "quality", "report": True}}
        )
        answer = raw.parse()
        routing = (answer.model_extra or {})["routing"]
        assert (routing["selected_model"], routing["task_type"]) == ("large", "translation")
        assert raw.headers["x-cognitude-route"].startswith("complexity_router: translation/")
        assert routing["estimated_cost"] == routing["baseline_cost"] > 0

        def rate(**given: Any) -> httpx.Response:
            with one.client() as http:
                return http.post("/v1/feedback", json={"request_id": raw.headers["x-request-id"], **given})

        assert rate(thumbs="up").json() == {
            "request_id": raw.headers["x-request-id"],
            "model": "large",
            "task": "translation",
            "score": 1.0,
        }
        assert rate(score=0.1).status_code == 409
        with pytest.raises(openai.BadRequestError, match=r"routing\.optimize_for"):
            client.chat.completions.create(
                model="auto", messages=messages, extra_body={"routing": {"optimize_for": "speed"}}
            )
        with pytest.raises(openai.BadRequestError, match="can answer this call as it is asked"):
            client.chat.completions.create(model="auto", messages=messages, extra_body={"routing": {"max_cost": 1e-9}})


def test_users_who_dislike_a_models_answers_turn_calls_away_from_it(tmp_path: Path, quiz: Quiz) -> None:
    """Without a single comparison: what is said of both models is enough."""
    with gateway(CONFIG.format(url=quiz.url, rate=0), tmp_path) as one, one.client() as client:

        def call(kind: str, number: int, model: str = "auto", **wishes: Any) -> httpx.Response:
            messages = [{"role": "user", "content": question(kind, number)}]
            found = client.post(CHAT, json={"model": model, "messages": messages, "routing": wishes})
            return found.raise_for_status()

        def rate(found: httpx.Response, score: float) -> None:
            body = {"request_id": found.headers["x-request-id"], "score": score}
            client.post("/v1/feedback", json=body).raise_for_status()

        def rated(kind: str, seed: int) -> None:
            """Twenty answers of each model: the small one is reached where the large one costs too much."""
            answers = []
            for number in range(seed, seed + 20):
                answers.append((call(kind, number), 0.9))
                cheap = call(kind, number + 1000, max_cost=0.001)
                assert cheap.headers["x-cognitude-model"] == "small"
                answers.append((cheap, 1.0 if kind == "translation" else 0.0))
            for answer, score in answers:
                rate(answer, score)

        rated("translation", 20_000)
        rated("math", 30_000)
        assert call("translation", 44_444).headers["x-cognitude-model"] == "small"
        assert call("math", 44_444).headers["x-cognitude-model"] == "large"


def test_the_command_explains_what_would_have_changed_the_decision(tmp_path: Path, quiz: Quiz) -> None:
    with gateway(CONFIG.format(url=quiz.url, rate=0), tmp_path) as one:
        done = subprocess.run(
            [*CLI, "route", "explain", question("math", 12_345), "--url", one.url],
            cwd=tmp_path,
            env={**os.environ, "COGNITUDE_API_KEY": KEY},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    assert "task        math" in done.stdout
    assert "6 more comparisons that it does not lose" in done.stdout
    assert quiz.asked == {}
