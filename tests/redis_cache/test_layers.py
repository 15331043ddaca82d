"""From the nearest layer to the farthest, each without the others; and nothing that is not ours reaches anybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.redis_cache as plugin
from cognitude_plugins.redis_cache import hot as hot_module
from cognitude_plugins.redis_cache import layers as module
from cognitude_plugins.redis_cache.cold import Cold
from cognitude_plugins.redis_cache.entry import FORMAT, pack
from cognitude_plugins.redis_cache.hot import CLAIM_SECONDS, PREFIX
from cognitude_plugins.redis_cache.layers import Claim, Found, Layer, Layers
from cognitude_plugins.redis_cache.recent import Recent
from tests.borrowed import Tables, sqlite_tables
from tests.redis_servers import RedisServer

from .servers import KEYS, SECRET, entry, hot, started

KEY = KEYS[0]
LARGE = entry(b'"' + b"x" * 200_000 + b'"')


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, plugin)
    found.up()
    yield found
    found.close()


@asynccontextmanager
async def layers(
    server: RedisServer | None = None,
    tables: Tables | None = None,
    *,
    memory: bool = False,
    now: int = 0,
    timeout: float = 1.0,
) -> AsyncIterator[Layers]:
    """Those that are given."""
    recent = Recent(most_bytes=10**7 if memory else 0, seconds=60, clock=lambda: 0.0)
    cold = None if tables is None else Cold(tables.lent())
    try:
        if server is None:
            yield Layers(secret=SECRET, recent=recent, hot=None, cold=cold, now=lambda: now)
        else:
            async with hot(server, timeout=timeout) as one:
                yield Layers(secret=SECRET, recent=recent, hot=one, cold=cold, now=lambda: now)
    finally:
        if cold is not None:
            await cold.close()


async def kept(one: Layers, what: object = None) -> None:
    one.keep_near("acme", KEY, what or entry())  # type: ignore[arg-type]
    await one.keep_far("acme", KEY, what or entry())  # type: ignore[arg-type]


@pytest.mark.parametrize("with_redis", [False, True])
@pytest.mark.parametrize("with_sql", [False, True])
@pytest.mark.parametrize("memory", [False, True])
@pytest.mark.parametrize("what", [entry(), LARGE], ids=["small", "large"])
async def test_each_layer_works_without_the_others(
    redis_server: RedisServer, tables: Tables, with_redis: bool, with_sql: bool, memory: bool, what: object
) -> None:
    server, sql = redis_server if with_redis else None, tables if with_sql else None
    async with layers(server, sql, memory=memory) as one:
        await kept(one, what)
        found = await one.find("acme", KEY)
        assert (found == what) is (with_redis or with_sql or memory)
        assert await one.find("beta", KEY) is None
        assert await one.find("acme", KEYS[1]) is None
    expected: Layer = "memory" if memory else "redis" if with_redis else "sql"
    assert {layer for layer, timings in one.timings.items() if timings.count} == ({expected} if found else set())


async def test_what_is_far_is_brought_near(redis_server: RedisServer, tables: Tables) -> None:
    async with layers(tables=tables) as one:
        await kept(one)
    async with layers(redis_server, tables, memory=True) as one:
        assert one.near("acme", KEY) is None
        assert await one.find("acme", KEY) == entry()
        assert one.near("acme", KEY) == entry()
    async with layers(redis_server) as one:
        assert await one.find("acme", KEY) == entry()


@pytest.mark.parametrize("now", [0, 40_000])
async def test_it_is_in_redis_no_longer_than_it_may_be_given(
    redis_server: RedisServer, tables: Tables, now: int
) -> None:
    async with layers(tables=tables) as one:
        await kept(one, entry(seconds=50))
    async with layers(redis_server, tables, now=now) as one:
        await one.find("acme", KEY)
    with redis_server.client() as client:
        left = 50 - now // 1000
        assert left - 1 <= client.ttl(f"{PREFIX}:acme:{{{KEY}}}") <= left


@pytest.mark.parametrize(
    "planted",
    [
        b"",
        b"\x01",
        b'{"choices": []}',
        pack(entry(), key=KEY, secret=SECRET)[:-1],
        bytes([FORMAT[0] + 1]) + pack(entry(), key=KEY, secret=SECRET)[1:],
        pack(entry(), key=KEYS[1], secret=SECRET),
        pack(entry(), key=KEY, secret=b"t" * 32),
        pack(LARGE, key=KEY, secret=SECRET)[:-1] + b"x" * 100_000,
    ],
    ids=["nothing", "cut", "foreign", "truncated", "another version", "another key's", "another's", "large"],
)
@pytest.mark.parametrize("layer", ["redis", "sql"])
async def test_what_is_not_ours_is_not_given_and_is_deleted(
    redis_server: RedisServer, tables: Tables, layer: Layer, planted: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"{PREFIX}:acme:{{{KEY}}}"
    with redis_server.client() as client:
        if layer == "redis":
            client.set(name, planted)
        else:
            tables.execute(
                "INSERT INTO cache_answer VALUES ('acme', :key, 'm', 1, NULL, 1, :packed)", key=KEY, packed=planted
            )
        async with layers(redis_server, tables, memory=True) as one:
            assert await one.find("acme", KEY) is None
            assert one.unreadable == {layer: 1}
            assert await one.find("acme", KEY) is None
            assert one.unreadable == {layer: 1}
        assert client.get(name) is None
    assert tables.execute("SELECT * FROM cache_answer") == []
    assert f"kept in {layer} is not given and is deleted" in caplog.text


async def test_a_bad_answer_in_redis_does_not_hide_the_good_one_behind_it(
    redis_server: RedisServer, tables: Tables
) -> None:
    async with layers(redis_server, tables) as one:
        await kept(one)
        with redis_server.client() as client:
            client.set(f"{PREFIX}:acme:{{{KEY}}}", b"poison")
        assert await one.find("acme", KEY) == entry()
        assert await one.find("acme", KEY) == entry()
        assert one.unreadable == {"redis": 1}


async def test_of_several_workers_one_gets_what_none_has(redis_server: RedisServer) -> None:
    async with layers(redis_server) as one, layers(redis_server) as other:
        claim = await one.claim("acme", KEY)
        assert isinstance(claim, Claim)
        waiting = asyncio.create_task(other.claim("acme", KEY))
        assert isinstance(await other.claim("acme", KEYS[1]), Claim)
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await one.keep_far("acme", KEY, entry())
        assert await waiting == Found(entry=entry(), waited=True)
        await one.release(claim)
        assert await one.claim("acme", KEY) == Found(entry=entry(), waited=False)


async def test_who_waits_is_next_when_the_first_gives_up(redis_server: RedisServer) -> None:
    async with layers(redis_server) as one, layers(redis_server) as other:
        claim = await one.claim("acme", KEY)
        assert isinstance(claim, Claim)
        waiting = asyncio.create_task(other.claim("acme", KEY))
        await asyncio.sleep(0.05)
        await one.release(claim)
        theirs = await waiting
        assert isinstance(theirs, Claim)
        await one.release(claim)
        with redis_server.client() as client:
            assert client.get(f"{PREFIX}:acme:{{{KEY}}}:claim") == theirs.token


async def test_a_claim_ends_with_its_worker_and_not_before(redis_server: RedisServer) -> None:
    name = f"{PREFIX}:acme:{{{KEY}}}:claim"
    async with layers(redis_server) as one:
        await one.claim("acme", KEY)
        with redis_server.client() as client:
            assert 0 < client.pttl(name) <= CLAIM_SECONDS * 1000
            client.pexpire(name, 100)
            await one.renew()
            assert client.pttl(name) > 1000


async def test_what_only_the_database_has_is_given_to_all(redis_server: RedisServer, tables: Tables) -> None:
    async with layers(tables=tables) as one:
        await kept(one)
    async with layers(redis_server, tables) as one:
        assert await one.claim("acme", KEY) == Found(entry=entry(), waited=False)
        with redis_server.client() as client:
            assert client.get(f"{PREFIX}:acme:{{{KEY}}}:claim") is None


async def test_without_redis_everybody_has_the_right() -> None:
    async with layers() as one:
        assert isinstance(await one.claim("acme", KEY), Claim)
        assert isinstance(await one.claim("acme", KEY), Claim)


async def test_a_models_name_that_no_database_takes_is_put_right(each_database: Any, tmp_path: Path) -> None:
    tables = Tables(each_database, tmp_path, plugin)
    tables.up()
    strange = entry(model="a\0b" + "ö☃" * 1000)
    async with layers(tables=tables) as one:
        await kept(one, strange)
    async with layers(tables=tables) as one:
        assert await one.find("acme", KEY) == strange
    [(model,)] = tables.execute("SELECT model FROM cache_answer")
    assert (model[:4], len(model)) == ("abö☃", 255)


async def test_the_database_is_asked_only_for_what_it_may_have_while_redis_answers(
    redis_server: RedisServer, tables: Tables
) -> None:
    async with layers(tables=tables) as one:
        await kept(one)
    async with layers(redis_server, tables) as one:
        cold = one._cold
        assert cold is not None
        cold.follow()
        async with asyncio.timeout(10):
            while not cold.lacks(KEYS[1]):
                await asyncio.sleep(0.01)
        asked: list[str] = []
        get = cold.get

        async def counted(organization: str, key: str) -> bytes | None:
            asked.append(key)
            return await get(organization, key)

        cold.get = counted  # type: ignore[method-assign]
        assert await one.find("acme", KEYS[1]) is None
        assert isinstance(await one.claim("acme", KEYS[2]), Claim)
        assert asked == []
        assert await one.find("acme", KEY) == entry()
        assert asked == [KEY]
        one._hot._fall(OSError("gone"))  # type: ignore[union-attr]
        assert await one.find("acme", KEYS[1]) is None
        assert asked == [KEY, KEYS[1]]


async def test_what_is_kept_takes_its_claim_away(redis_server: RedisServer) -> None:
    async with layers(redis_server) as one, layers(redis_server) as other:
        claim = await one.claim("acme", KEY)
        assert isinstance(claim, Claim)
        await one.keep_far("acme", KEY, entry(), claim)
        found = await other.claim("acme", KEY)
        assert isinstance(found, Found)
        assert found.entry == entry()
        with redis_server.client() as client:
            assert list(client.scan_iter("*:claim")) == []
        mine = await other.claim("acme", KEYS[1])
        assert isinstance(mine, Claim)
        # One that is not the holder's takes nobody's away.
        await one.keep_far("acme", KEYS[1], entry(), claim)
        with redis_server.client() as client:
            assert len(list(client.scan_iter("*:claim"))) == 1


@pytest.mark.parametrize("how", ["cancelled", "too late"])
@pytest.mark.parametrize("who", ["the same worker", "another"])
async def test_a_claim_that_nobody_has_keeps_nobody_waiting(
    how: str, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was set after its call had given up on Redis."""
    monkeypatch.setattr(hot_module, "CLAIM_SECONDS", 60.0)
    with started() as server:
        async with layers(server, timeout=0.05 if how == "too late" else 5.0) as one, layers(server) as other:
            assert isinstance(await one.claim("acme", KEYS[1]), Claim)
            server.freeze()
            asking = asyncio.create_task(one.claim("acme", KEY))
            await asyncio.sleep(0.2)
            if how == "cancelled":
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            else:
                assert isinstance(await asking, Claim)
            server.thaw()
            name = f"{PREFIX}:acme:{{{KEY}}}:claim"
            async with asyncio.timeout(10):
                with server.client() as client:
                    while not client.get(name):
                        await asyncio.sleep(0.01)
                while not one._hot.up:  # type: ignore[union-attr]
                    await asyncio.sleep(0.01)
                if who == "another":
                    waiting = asyncio.create_task(other.claim("acme", KEY))
                    await asyncio.sleep(0.05)
                    assert not waiting.done()
                    await one.renew()
                    found = await waiting
                else:
                    found = await one.claim("acme", KEY)
            assert isinstance(found, Claim)
            with server.client() as client:
                assert client.get(name) == found.token


async def test_what_was_lost_is_looked_after_for_as_long_as_it_may_be_set(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLAIM_SECONDS", 0.05)
    async with layers(redis_server) as one:
        lost = Claim(organization="acme", key=KEY, token=f"{one._worker}-7")
        one._lose(lost)
        await one.renew()
        assert len(one._lost) == 1
        await asyncio.sleep(0.1)
        await one.renew()
        assert len(one._lost) == 0


async def test_who_leaves_while_the_database_is_asked_has_no_claim(
    redis_server: RedisServer, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with layers(redis_server, tables) as one, layers(redis_server) as other:
        asked = asyncio.Event()

        async def never(organization: str, key: str) -> bytes | None:
            asked.set()
            await asyncio.Event().wait()
            return None

        monkeypatch.setattr(one._cold, "get", never)
        leaving = asyncio.create_task(one.claim("acme", KEY))
        async with asyncio.timeout(10):
            await asked.wait()
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            await one.renew()
            assert one._claims == {}
            assert isinstance(await other.claim("acme", KEY), Claim)
