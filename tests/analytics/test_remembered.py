"""Answers that took long are given again for a while."""

from __future__ import annotations

import asyncio

import pytest

from cognitude_plugins.analytics.remembered import KEPT_SECONDS, Remembered


class Work:
    """Takes so many seconds of its own clock each time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.now = 0.0
        self.made = 0

    async def make(self) -> int:
        await asyncio.sleep(0)
        self.made += 1
        self.now += self.seconds
        return self.made


async def test_what_took_long_is_given_again_until_it_is_old() -> None:
    work = Work(3)
    found = Remembered[int](clock=lambda: work.now)
    assert [await found.get("a", work.make) for _ in range(3)] == [1, 1, 1]
    assert await found.get("b", work.make) == 2
    work.now += KEPT_SECONDS
    assert await found.get("a", work.make) == 3


async def test_what_was_there_at_once_is_made_anew() -> None:
    work = Work(0.5)
    found = Remembered[int](clock=lambda: work.now)
    assert [await found.get("a", work.make) for _ in range(3)] == [1, 2, 3]


async def test_who_asks_the_same_at_the_same_time_waits_for_it() -> None:
    work = Work(3)
    found = Remembered[int](clock=lambda: work.now)
    assert await asyncio.gather(*(found.get("a", work.make) for _ in range(5))) == [1] * 5


async def test_what_fails_is_not_remembered() -> None:
    found, work = Remembered[int](), Work(1)

    async def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await found.get("a", fail)
    assert await found.get("a", work.make) == 1


async def test_only_so_many_are_kept() -> None:
    work = Work(2)
    found = Remembered[int](clock=lambda: work.now)
    for number in range(100):
        await found.get(number, work.make)
    assert await found.get(99, work.make) == 100
    assert await found.get(0, work.make) == 101
