"""What the database certainly has not: never said of what it has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from time import time_ns

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.redis_cache import known as module
from cognitude_plugins.redis_cache.known import Keys, Known, Mark
from hooks import Unavailable


def key(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()


@given(there=st.sets(st.integers(0, 10_000), max_size=300), asked=st.integers(0, 10_000))
def test_what_was_added_is_never_denied(there: set[int], asked: int) -> None:
    keys = Keys(10)
    for number in there:
        keys.add(key(number))
    assert all(key(number) in keys for number in there)
    if not there:
        assert key(asked) not in keys


def test_one_in_four_hundred_others_is_taken_for_it_at_most() -> None:
    keys = Keys(100_000)
    for number in range(100_000):
        keys.add(key(number))
    wrong = sum(key(number) in keys for number in range(100_000, 200_000))
    assert wrong <= 100_000 / 400


class Table:
    """The answers of all workers, in the order in which they were made."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.there = True
        self.pages = 0

    def add(self, number: int, created_ms: int) -> str:
        self.marks.append(Mark(created_ms, "acme", key(number)))
        self.marks.sort()
        return key(number)

    async def page(self, after: Mark, most: int) -> Sequence[Mark]:
        self.pages += 1
        if not self.there:
            raise Unavailable("gone")
        return [one for one in self.marks if one > after][:most]

    async def count(self) -> int:
        return len(self.marks)


async def test_nothing_is_denied_before_everything_was_looked_at() -> None:
    known = Known(Table().page, Table().count)
    assert not known.lacks(key(1))
    known.add(key(1))
    await known.learn()
    assert known.lacks(key(2))


async def test_what_another_worker_adds_is_seen_also_when_it_comes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    table = Table()
    for number in range(7):
        table.add(number, 1_000_000)
    known = Known(table.page, table.count)
    await known.learn()
    assert [number for number in range(20) if not known.lacks(key(number))] == list(range(7))
    late, new = table.add(10, 1_000_000 - module._LATE_MS + 1), table.add(11, 1_000_001)
    assert known.lacks(late)
    await known.follow()
    assert not known.lacks(late)
    assert not known.lacks(new)


async def test_one_from_the_future_hides_none_that_comes_now() -> None:
    table = Table()
    table.add(0, 10**15)
    known = Known(table.page, table.count)
    await known.learn()
    now = table.add(1, time_ns() // 1_000_000)
    await known.follow()
    assert not known.lacks(now)


async def test_what_is_added_while_everything_is_looked_at_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table()
    table.add(0, 1)
    known = Known(table.page, table.count)
    await known.learn()
    page = table.page

    async def slow(after: Mark, most: int) -> Sequence[Mark]:
        found = await page(after, most)
        known.add(key(5))
        return found

    monkeypatch.setattr(known, "_page", slow)
    await known.learn()
    assert not known.lacks(key(5))


async def test_of_too_many_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    table = Table()
    known = Known(table.page, table.count)
    await known.learn()
    assert known.lacks(key(9))
    for number in range(3):
        table.add(number, number)
    await known.learn()
    assert not known.lacks(key(9))


async def test_it_looks_by_itself_and_goes_on_after_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.01)
    table = Table()
    table.there = False
    known = Known(table.page, table.count)
    known.start()
    async with asyncio.timeout(10):
        while table.pages < 2:
            await asyncio.sleep(0.01)
        assert not known.lacks(key(1))
        table.there = True
        while not known.lacks(key(1)):
            await asyncio.sleep(0.01)
        table.add(1, 5)
        while known.lacks(key(1)):
            await asyncio.sleep(0.01)
    await known.close()


async def test_what_waits_to_be_written_is_there() -> None:
    table = Table()
    known = Known(table.page, table.count, lambda: [key(3)])
    await known.learn()
    assert not known.lacks(key(3))
    assert known.lacks(key(4))
