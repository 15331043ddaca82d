"""A process dies in the middle of its work: every answer that a client has is in the ledger, once (R1)."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.journeys.rows import exported
from tests.journeys.traffic import PRICE, Seen, Traffic
from tests.processes import gateway

CLIENTS = 32

# A client whose server was killed leaves connections behind that are closed when they are collected.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def config(url: str | None) -> str:
    database = f"services: {{database: '{url}'}}\n" if url else ""
    return f"""
gateway: {{drain: {{announce_seconds: 0, finish_seconds: 5}}}}
{database}models:
  - {{name: sim, provider: simulated/echo, price: {PRICE}, options: {{latency_ms: 2, chunk_ms: 1}}}}
"""


def check(folder: Path, seen: list[Seen], crashes: int) -> None:
    """``crashes`` may each leave rows of the calls that were under way."""
    rows = {row["id"]: row for row in exported(folder)}
    whole = [one for one in seen if one.whole]
    assert whole, "no call came to its end"
    assert Counter(one.id for one in whole).most_common(1)[0][1] == 1
    missing = [one for one in whole if one.id not in rows]
    assert missing == []
    for one in whole:
        row = rows[one.id]
        assert (row["status"], row["complete"], row["source"]) == (200, True, "provider"), row
        assert row["cost_nano_usd"] == one.cost_nano_usd, row
    extra = len(rows) - len(whole)
    assert 0 <= extra <= CLIENTS * crashes
    assert sum(one.cost_nano_usd or 0 for one in whole) == sum(rows[one.id]["cost_nano_usd"] for one in whole)


RUNS = [(0, 800), *(pytest.param(seed, 5000, marks=pytest.mark.soak) for seed in range(10))]
"""Seed and number of requests."""


@pytest.mark.parametrize(("seed", "requests"), RUNS)
async def test_a_killed_gateway_has_lost_and_doubled_nothing(tmp_path: Path, seed: int, requests: int) -> None:
    await killed_in_the_middle(tmp_path, None, seed, requests)


@pytest.mark.parametrize(("seed", "requests"), RUNS)
async def test_the_same_on_postgresql(tmp_path: Path, postgres_url: str, seed: int, requests: int) -> None:
    await killed_in_the_middle(tmp_path, postgres_url, seed, requests)


async def killed_in_the_middle(folder: Path, url: str | None, seed: int, requests: int) -> None:
    chance = random.Random(seed)
    with gateway(config(url), folder) as one:
        traffic = Traffic(url=one.url, model="sim", requests=requests, clients=CLIENTS, seed=seed)
        load = asyncio.create_task(traffic.run())
        wanted = chance.randint(requests // 10, requests // 2)
        while len(traffic.seen) < wanted:
            await asyncio.sleep(0.001)
        one.process.send_signal(signal.SIGKILL)
        await load
    assert traffic.failed, "the crash came too late to interrupt anything"
    with gateway(config(url), folder) as again:
        after = Traffic(url=again.url, model="sim", requests=100, clients=CLIENTS, seed=seed + 1)
        await after.run()
        assert after.failed == []
        assert again.stop() == 0, again.text()
    check(folder, traffic.seen + after.seen, crashes=1)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.soak), pytest.param(2, marks=pytest.mark.soak)])
async def test_a_killed_worker_has_lost_and_doubled_nothing(tmp_path: Path, seed: int) -> None:
    """The other worker goes on serving, and moves what the dead one left behind."""
    chance = random.Random(seed)
    with gateway(config(None), tmp_path, "--workers", "2") as one:
        traffic = Traffic(url=one.url, model="sim", requests=1500, clients=CLIENTS, seed=seed, retries=50)
        load = asyncio.create_task(traffic.run())
        kills = 0
        for wanted in (200, 600):
            while len(traffic.seen) < wanted and not load.done():
                await asyncio.sleep(0.001)
            workers = [child for child in psutil.Process(one.process.pid).children() if serving(child)]
            chance.choice(workers).kill()
            kills += 1
        await load
        assert one.stop() == 0, one.text()
    check(tmp_path, traffic.seen, crashes=kills)


def serving(child: psutil.Process) -> bool:
    return "spawn_main" in " ".join(child.cmdline())
