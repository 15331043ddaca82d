"""What a decision takes: the router's whole way from a call and its plan to the plan's new order, in process."""

from __future__ import annotations

import gc
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Final

import uvloop

from cognitude_plugins.complexity_router.gain import Cell
from cognitude_plugins.complexity_router.latencies import Latencies
from cognitude_plugins.complexity_router.learned import Learned
from cognitude_plugins.complexity_router.pins import Pins
from cognitude_plugins.complexity_router.router import Router
from cognitude_plugins.complexity_router.settings import Config
from cognitude_plugins.complexity_router.shipped import priors
from cognitude_plugins.complexity_router.stored import Place
from cognitude_plugins.complexity_router.tasks import TASK_TYPES
from cognitude_plugins.complexity_router.wishes import Wishes
from hooks import Call, Deployment, Plan, Reply
from hooks.testing import FakeGateway, make_call

from .comparisons import Compared
from .machine import cores, described, started_on
from .report import bounds, grid
from .subjects import ROOT

ROUNDS: Final = 7
MOST_P50_US: Final = 150.0
MOST_P99_US: Final = 1000.0
MOST_LONG_US: Final = 1500.0
LENGTHS: Final = (40, 400, 4_000, 100_000)
MODELS: Final = ("gpt-4o", "gpt-4o-mini", "claude-3-5-sonnet", "gemini-2.5-flash")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Microseconds of one decision at a prompt of so many characters, of all rounds: medians of the rounds' own."""

    characters: int
    p50_us: float
    p99_us: float


def routing(calls: int, folder: Path) -> Compared:
    """``calls`` of each length in each round, each another question, cut out of this repository's documentation."""
    del folder
    with started_on(cores()[0]):
        found = uvloop.run(_decided(calls))
    value = {"machine": described(), "calls": calls, "rounds": ROUNDS, "decided": [asdict(one) for one in found]}
    return value, table(found, calls)


def table(found: Sequence[Decided], calls: int) -> str:
    cells = [["characters of the prompt", "p50 µs", "p99 µs"]]
    cells += [[f"{one.characters:,}", f"{one.p50_us:.0f}", f"{one.p99_us:.0f}"] for one in found]
    by_length = {one.characters: one for one in found}
    promised = [
        ("a decision at 400 characters: p50 µs", by_length[400].p50_us, MOST_P50_US),
        ("a decision at 400 characters: p99 µs", by_length[400].p99_us, MOST_P99_US),
        ("a decision at 100,000 characters: p50 µs", by_length[100_000].p50_us, MOST_LONG_US),
    ]
    head = (
        f"{described()}; {len(MODELS)} models, all {len(TASK_TYPES)} kinds of task known; {calls} calls of each length "
        f"in each of {ROUNDS} rounds, medians of the rounds"
    )
    return f"{head}\n\n{grid(cells)}\n\n{bounds(promised)}"


async def _decided(calls: int) -> list[Decided]:
    router, plan = _router(), Plan(deployments=tuple(map(_deployment, MODELS)))
    found = []
    for length in LENGTHS:
        count = max(20, calls * 400 // max(400, length))
        rounds = [await _round(router, plan, _questions(length, count, seed)) for seed in range(ROUNDS + 1)][1:]
        p50 = median(one[len(one) // 2] for one in rounds)
        p99 = median(one[len(one) * 99 // 100] for one in rounds)
        found.append(Decided(characters=length, p50_us=p50 / 1000, p99_us=p99 / 1000))
    return found


async def _round(router: Router, plan: Plan, calls: Sequence[Call]) -> list[int]:
    """Nanoseconds, sorted. The collector runs between rounds, as it does after start-up in the gateway: seldom."""
    took, wishes = [], Wishes()
    gc.collect()
    gc.disable()
    try:
        for call in calls:
            began = perf_counter_ns()
            decided = await router.route(call, plan, wishes)
            took.append(perf_counter_ns() - began)
            assert not isinstance(decided, Reply)
    finally:
        gc.enable()
    return sorted(took)


def _questions(length: int, count: int, seed: int) -> list[Call]:
    text = "\n".join(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))
    text *= 2 + length // len(text)
    chance = random.Random(f"{length}/{seed}")
    starts = [chance.randrange(len(text) - length) for _ in range(count)]
    return [
        make_call({"model": "auto", "messages": [{"role": "user", "content": text[start : start + length]}]})
        for start in starts
    ]


def _deployment(model: str) -> Deployment:
    return Deployment(id=model, model=model, provider="openai", upstream_model=model, transport="direct")


def _router() -> Router:
    lent, learned = FakeGateway(prices=dict.fromkeys(MODELS, (100, 400))), Learned()
    for candidate in MODELS[1:]:
        for task in TASK_TYPES:
            place = Place(organization="acme", candidate=candidate, reference=MODELS[0], task=task)
            learned.cells[place] = Cell(losses=2.0, wins=1.0, ties=60.0, labels=63)
    return Router(
        Config(),
        lent,
        name="complexity_router",
        learned=learned,
        pins=Pins(60),
        slow=Latencies(lent).slow,
        priors=priors(),
    )
