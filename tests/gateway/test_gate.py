"""So many at a time, a short queue for the next, in the order of coming."""

from __future__ import annotations

import asyncio

import pytest

from cognitude_plugins.gateway.care import Concurrency
from cognitude_plugins.gateway.gate import Gate


def gate(calls: int = 2, queue: int = 2, wait: float = 5.0) -> Gate:
    return Gate(Concurrency(calls=calls, queue=queue, wait_seconds=wait))


async def test_no_more_than_its_calls_are_in_and_no_more_than_its_queue_wait() -> None:
    one = gate()
    assert [await one.enter(9), await one.enter(9)] == [True, True]
    waiting = [asyncio.create_task(one.enter(9)) for _ in range(2)]
    await asyncio.sleep(0)
    assert one.queued == 2
    assert await one.enter(9) is False
    one.leave()
    one.leave()
    assert await asyncio.gather(*waiting) == [True, True]


async def test_who_has_waited_longest_goes_first() -> None:
    one, order = gate(calls=1, queue=5), []

    async def come(number: int) -> None:
        assert await one.enter(9)
        order.append(number)
        one.leave()

    assert await one.enter(9)
    tasks = [asyncio.create_task(come(number)) for number in range(5)]
    await asyncio.sleep(0)
    one.leave()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("wait", "seconds"), [(0.01, 9), (9, 0.01)])
async def test_who_waits_too_long_goes_away(wait: float, seconds: float) -> None:
    one = gate(calls=1, wait=wait)
    assert await one.enter(9)
    assert await one.enter(seconds) is False
    assert one.queued == 0
    one.leave()
    assert await one.enter(9)


async def test_one_that_is_cancelled_while_it_waits_keeps_no_place() -> None:
    one = gate(calls=1)
    assert await one.enter(9)
    waiting = asyncio.create_task(one.enter(9))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert one.queued == 0
    one.leave()
    assert await one.enter(9)


async def test_one_that_is_cancelled_as_its_turn_comes_gives_it_on() -> None:
    one = gate(calls=1)
    assert await one.enter(9)
    first, second = (asyncio.create_task(one.enter(9)) for _ in range(2))
    await asyncio.sleep(0)
    one.leave()
    first.cancel()
    assert await second is True
    with pytest.raises(asyncio.CancelledError):
        await first
