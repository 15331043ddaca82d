"""A whole answer that takes unusually long gets a second attempt; the first good one is taken, both are booked."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from cognitude_plugins.gateway.care import NO_CARE, Care, Hedging
from cognitude_plugins.gateway.providers import Target
from cognitude_plugins.gateway.providers.verdict import failure
from hooks import Call, Reply
from tests.gateway.calls import CHAT, KEY, Client, Upstream, runtime_of, whole
from tests.gateway.test_course import World

HEDGED = replace(NO_CARE, hedging=Hedging(enabled=True, observations=10, budget_percent=100))


def world(care: Care = HEDGED, seen: int = 20, **says: Any) -> World:
    """Each of whose deployments has answered ``seen`` times within 20 ms."""
    made = World(care, **says)
    for id in made.targets:
        for _ in range(seen):
            made.upstreams.vitals.of(id).answered(0.02)
    return made


async def slow(target: Target) -> Reply:
    await asyncio.sleep(0.3)
    return whole("slow")


async def slow_to_fail(target: Target) -> Any:
    await asyncio.sleep(0.05)
    return failure("connect", "no")


def text_of(reply: Reply) -> Any:
    return reply.body["choices"][0]["message"]["content"]


def words(one: World) -> list[tuple[str, str]]:
    return [(id, word) for id, word, _ in one.traces[-1].tried]


async def test_an_answer_that_is_in_time_has_no_second_attempt() -> None:
    one = world(a=whole("a"), b=whole("b"))
    reply = await one.ask()
    assert (text_of(reply), one.order, reply.attempts) == ("a", "a", 1)


async def test_one_that_takes_too_long_is_overtaken_by_another_deployment() -> None:
    one = world(a=slow, b=whole("b"))
    reply = await one.ask()
    assert (text_of(reply), one.order, reply.attempts) == ("b", "ab", 2)
    assert reply.deployment is not None
    assert reply.deployment.id == "b"
    assert words(one) == [("b", "ok"), ("a", "hedge_lost")]


async def test_where_there_is_no_other_the_same_one_is_asked_again() -> None:
    one = world(ids="a", a=(slow, whole("again")))
    assert text_of(await one.ask()) == "again"
    assert one.order == "aa"


async def test_the_first_attempt_may_still_win() -> None:
    one = world(a=lambda target: asyncio.sleep(0.08, whole("first")), b=slow)
    reply = await one.ask()
    assert (text_of(reply), one.order) == ("first", "ab")


async def test_a_second_attempt_that_fails_does_not_spoil_the_first() -> None:
    one = world(a=lambda target: asyncio.sleep(0.1, whole("first")), b=failure("connect", "no"))
    assert text_of(await one.ask()) == "first"
    assert words(one) == [("b", "connect"), ("a", "ok")]


async def test_when_both_fail_the_next_is_tried_and_none_of_them_twice() -> None:
    one = world(ids="abc", a=slow_to_fail, b=slow_to_fail, c=whole("c"))
    reply = await one.ask()
    assert (text_of(reply), one.order, reply.attempts) == ("c", "abc", 3)


async def test_without_enough_observations_there_is_none() -> None:
    one = world(seen=5, a=slow, b=whole("b"))
    assert text_of(await one.ask()) == "slow"
    assert one.order == "a"


async def test_no_more_than_the_budget_are_made_twice() -> None:
    care = replace(HEDGED, hedging=replace(HEDGED.hedging, budget_percent=5))
    one = world(care, ids="a", a=lambda target: asyncio.sleep(0.03, whole()))
    await asyncio.gather(*(one.ask() for _ in range(100)))
    assert len(one.asked) == 105


async def test_a_call_that_is_cancelled_takes_both_attempts_with_it() -> None:
    one = world(a=slow, b=slow)
    task = asyncio.create_task(one.ask())
    while one.order != "ab":
        await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
    assert [one.upstreams.vitals.of(id).in_flight for id in "ab"] == [0, 0]
    assert one.traces[-1].unsure, "both may have cost something"


YAML = f"""
gateway:
  data_dir: data
  keys: [{{id: test, secret: {KEY}, organization: acme}}]
models:
  - name: up
    provider: simulated/echo
    price: {{input: 1, output: 2}}
    hedging: {{enabled: true, observations: 10, budget_percent: 100}}
  - {{name: up, provider: simulated/second}}
"""


async def test_both_attempts_are_in_the_ledger_with_what_they_cost(tmp_path: Path) -> None:
    first = True

    async def answer(call: Call) -> Reply:
        nonlocal first
        if first:
            first = False
            await asyncio.sleep(0.15)
        return whole()

    runtime = runtime_of(tmp_path, upstream=Upstream(answer), yaml=YAML)
    await runtime.start()
    for _ in range(20):
        runtime.vitals.of("up").answered(0.02)
    said = await Client(CHAT).ask(runtime)
    await runtime.idle()
    await runtime.stop()
    assert (said.status, said.headers["x-cognitude-attempts"], said.headers["x-cognitude-model"]) == (200, "2", "up#2")
    with closing(sqlite3.connect(tmp_path / "data" / "cognitude.db")) as book:
        book.row_factory = sqlite3.Row
        lost, won = book.execute("SELECT * FROM ledger_call ORDER BY source").fetchall()
    assert (won["source"], won["deployment"], won["attempts"]) == ("provider", "up#2", 2)
    assert (lost["source"], lost["deployment"], lost["attempts"], lost["status"]) == ("hedge", "up", 1, 200)
    assert lost["id"] != won["id"]
    assert lost["route"] == f"hedge of {won['id']}"
    assert (lost["organization"], lost["prompt_tokens"], lost["completion_tokens"]) == ("acme", 9, 3)
    assert (lost["cost_nano_usd"], lost["complete"]) == (9 * 1000 + 3 * 2000, 1)
