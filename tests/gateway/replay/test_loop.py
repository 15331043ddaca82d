"""Waiting takes no time, and everything happens in the order of its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from cognitude_plugins.gateway.replay.clock import Clock
from cognitude_plugins.gateway.replay.loop import Jumping

DAY_NS = 86_400_000_000_000


def run(clock: Clock, work: Coroutine[Any, Any, Any]) -> Any:
    loop = Jumping(clock)
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def test_sleepers_wake_in_the_order_of_their_times_and_the_clock_goes_with_them() -> None:
    clock = Clock(DAY_NS)
    woken: list[tuple[str, float]] = []

    async def sleep(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((name, clock.time() - 86_400))

    async def all_of_them() -> None:
        await asyncio.gather(sleep("week", 604_800), sleep("second", 1), sleep("hour", 3600))

    began = time.process_time()
    run(clock, all_of_them())
    assert [(name, round(seconds, 3)) for name, seconds in woken] == [("second", 1), ("hour", 3600), ("week", 604_800)]
    assert time.process_time() - began < 10


def test_what_is_done_in_a_thread_takes_no_time_and_raises_where_it_is_awaited() -> None:
    clock = Clock(DAY_NS)

    async def work() -> int:
        asyncio.get_running_loop().call_later(5, lambda: None)
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        return await asyncio.to_thread(lambda: 7)

    assert run(clock, work()) == 7
    assert clock.ns == DAY_NS


def test_a_timeout_strikes_at_its_time() -> None:
    clock = Clock(DAY_NS)

    async def late() -> None:
        async with asyncio.timeout(30):
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        run(clock, late())
    assert clock.time() - 86_400 == pytest.approx(30, abs=0.001)
