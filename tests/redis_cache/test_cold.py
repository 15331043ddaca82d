"""The layer in the database: written behind the calls, found at once, and done without when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.redis_cache as plugin
from cognitude_plugins.redis_cache import cold as module
from cognitude_plugins.redis_cache import known
from cognitude_plugins.redis_cache.cold import Cold
from cognitude_plugins.redis_cache.stored import Wanted
from hooks import Database, Unavailable
from tests.borrowed import Tables, sqlite_tables

from .servers import KEYS, row


class Switched:
    """A database that can be taken away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.there = True
        self.hangs = False
        self.writes = 0

    async def read(self, organization: str, work: Callable[..., Any]) -> Any:
        return await self._ask(self._database.read, organization, work)

    async def write(self, organization: str, work: Callable[..., Any]) -> Any:
        self.writes += 1
        return await self._ask(self._database.write, organization, work)

    async def _ask(self, way: Callable[..., Any], organization: str, work: Callable[..., Any]) -> Any:
        if self.hangs:
            await asyncio.Event().wait()
        if not self.there:
            raise Unavailable("gone")
        return await way(organization, work)


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, plugin)
    yield found
    found.close()


@asynccontextmanager
async def cold(tables: Tables) -> AsyncIterator[tuple[Cold, Switched]]:
    database = Switched(tables.lent())
    one = Cold(database)
    try:
        yield one, database
    finally:
        await one.close()


def rows(tables: Tables) -> int:
    return int(tables.execute("SELECT COUNT(*) FROM cache_answer")[0][0])


async def test_what_is_kept_is_found_before_it_is_written_and_after(tables: Tables) -> None:
    async with cold(tables) as (one, database):
        for key in KEYS:
            one.put(row(key, packed=key.encode()))
        assert await one.get("acme", KEYS[3]) == KEYS[3].encode()
        assert database.writes == 0
        async with asyncio.timeout(10):
            while rows(tables) < len(KEYS):
                await asyncio.sleep(0.01)
        assert database.writes == 1
        assert await one.get("acme", KEYS[3]) == KEYS[3].encode()
        assert await one.get("beta", KEYS[3]) is None


async def test_what_waits_is_written_at_the_end(tables: Tables) -> None:
    async with cold(tables) as (one, _):
        one.put(row())
    assert rows(tables) == 1


async def test_what_is_asked_of_all_sees_what_waits(tables: Tables) -> None:
    async with cold(tables) as (one, _):
        one.put(row(KEYS[0], model="a"))
        one.put(row(KEYS[1], model="b"))
        assert await one.count("acme") == (2, 12)
        assert await one.find(Wanted(organization="acme", model="b")) == [(KEYS[1], 6)]
        one.put(row(KEYS[2], model="b"))
        assert await one.remove(Wanted(organization="acme", model="b")) == 2
        await one.drop("acme", KEYS[0])
        assert await one.get("acme", KEYS[0]) is None
        one.put(row(KEYS[0]))
        await one.count("acme")
        await one.forget(now_ms=0, before_ms=1, most_bytes=None)
        assert rows(tables) == 0


async def test_a_database_that_is_away_is_asked_seldom_and_written_to_when_it_is_back(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.1)
    async with cold(tables) as (one, database):
        database.there = False
        assert await one.get("acme", KEYS[0]) is None
        assert not one.up
        one.put(row())
        await one.drop("acme", KEYS[5])
        await one.forget(now_ms=0, before_ms=1, most_bytes=None)
        with pytest.raises(Unavailable):
            await one.count("acme")
        assert await one.get("acme", KEYS[0]) == b"packed"
        database.there = True
        async with asyncio.timeout(10):
            while not rows(tables):
                await asyncio.sleep(0.01)


async def test_one_that_hangs_is_waited_for_once(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READ_SECONDS", 0.05)
    async with cold(tables) as (one, database):
        database.hangs = True
        for _ in range(100):
            assert await one.get("acme", KEYS[0]) is None
        assert not one.up
        database.hangs = False


async def test_more_than_can_wait_is_dropped_and_counted(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING_BYTES", 15)
    async with cold(tables) as (one, _):
        for key in KEYS[:3]:
            one.put(row(key))
        one.put(row(KEYS[0], packed=b"newer"))
        assert one.dropped == 1
        assert await one.get("acme", KEYS[0]) == b"newer"
        assert await one.get("acme", KEYS[2]) is None
    assert rows(tables) == 2


async def test_what_the_database_does_not_take_keeps_nothing_else_out(
    tables: Tables, caplog: pytest.LogCaptureFixture
) -> None:
    async with cold(tables) as (one, _):
        one.put(row(KEYS[0], model=None))
        await one._flush()
        assert one.dropped == 1
        one.put(row(KEYS[1]))
    assert rows(tables) == 1
    assert "1 answers are not kept in the database" in caplog.text


async def test_what_is_certainly_not_there_is_known_and_what_another_worker_adds(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "_LOOK_SECONDS", 0.02)
    async with cold(tables) as (one, _), cold(tables) as (other, _):
        one.put(row(KEYS[0]))
        assert not one.lacks(KEYS[1])
        one.follow()
        async with asyncio.timeout(10):
            while not one.lacks(KEYS[1]):
                await asyncio.sleep(0.01)
            assert not one.lacks(KEYS[0])
            other.put(row(KEYS[1], created_ms=5))
            while one.lacks(KEYS[1]):
                await asyncio.sleep(0.01)
        one.put(row(KEYS[2]))
        assert not one.lacks(KEYS[2])
