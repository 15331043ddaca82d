"""Clients for each kind of address, against servers of that kind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import redis

from cognitude_plugins.gateway.redis_clients import client
from cognitude_plugins.gateway.redis_url import parse_redis
from tests.redis_servers import RedisCluster, RedisServer, Watched, free_port, wait_until


@contextmanager
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="redis-") as name:
        yield Path(name)


def made(url: str, timeout: float = 2.0) -> Any:
    return client(parse_redis(url), timeout=timeout, connect=0.5)


async def test_a_server_on_a_socket_with_a_database_of_its_own(redis_server: RedisServer) -> None:
    one, other = made(redis_server.url), made(f"{redis_server.url}?db=3")
    try:
        assert await other.set("a", "1")
        assert await one.get("a") is None
        assert await other.get("a") == b"1"
    finally:
        await one.aclose()
        await other.aclose()


async def test_a_server_on_a_port_with_a_password() -> None:
    with folder() as place:
        server = RedisServer(place, "requirepass p@ss\n", port=free_port()).start()
        try:
            right = made(f"redis://:p%40ss@127.0.0.1:{server.port}/1")
            assert await right.ping()
            await right.aclose()
            wrong = made(f"redis://:pass@127.0.0.1:{server.port}")
            with pytest.raises(redis.AuthenticationError) as refused:
                await wrong.ping()
            await wrong.aclose()
            assert "pass@" not in str(refused.value)
        finally:
            server.stop()


async def test_one_that_hangs_is_waited_for_as_long_as_was_said_and_asked_once(redis_server: RedisServer) -> None:
    one = made(redis_server.url, timeout=0.1)
    assert await one.incr("n") == 1
    redis_server.freeze()
    try:
        started = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            await one.incr("n")
        assert time.monotonic() - started < 2, "the client tried again"
    finally:
        redis_server.thaw()
        await one.aclose()
    with redis_server.client() as asked:
        wait_until(lambda: asked.get("n") == "2", "what was sent was carried out once")
        assert asked.get("n") == "2"


async def test_one_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    one = made(f"unix://{tmp_path / 'nobody'}")
    with pytest.raises(redis.ConnectionError):
        await one.ping()
    await one.aclose()


async def test_making_a_connection_sends_nothing(redis_server: RedisServer) -> None:
    with redis_server.client() as asked:
        asked.config_resetstat()
        one = made(redis_server.url)
        await one.incr("n")
        await one.aclose()
        counts: Any = asked.info("commandstats")
    assert set(counts) <= {"cmdstat_incrby", "cmdstat_info", "cmdstat_config", "cmdstat_config|resetstat"}


async def test_a_cluster_is_found_by_any_of_its_nodes(redis_cluster: RedisCluster) -> None:
    one = made("redis+cluster://127.0.0.1:1," + redis_cluster.url.partition("://")[2].split(",")[1])
    try:
        for number in range(20):
            assert await one.set(f"clients:{number}", number)
    finally:
        await one.aclose()
    for number in range(20):
        with redis_cluster.holding(f"clients:{number}").client() as node:
            assert node.get(f"clients:{number}") == str(number)


async def test_a_node_of_a_cluster_that_is_gone_takes_only_its_own_slots_with_it() -> None:
    with folder() as place:
        cluster = RedisCluster(place).start()
        try:
            lost = cluster.holding("a")
            lost.kill()
            kept = next(key for key in "bcdefgh" if cluster.holding(key) is not lost)
            one = made(cluster.url)
            assert await one.set(kept, "1")
            with pytest.raises(redis.RedisError):
                await one.set("a", "1")
            await one.aclose()
        finally:
            cluster.stop()


async def test_sentinels_say_where_the_master_is_also_when_it_has_moved() -> None:
    with folder() as place:
        watched = Watched(place).start()
        one = made(watched.url)
        try:
            assert await one.set("a", "1")
            wait_until(lambda: replicated(watched), "the replica does not have it")
            watched.master.kill()
            wait_until(lambda: watched.present_port() == watched.replica.port, "no other master was made")
            with pytest.raises(redis.ConnectionError):
                await one.get("a")
            assert await sooner_or_later(one) == b"1"
        finally:
            await one.aclose()
            watched.stop()


async def sooner_or_later(one: Any) -> Any:
    """The Sentinels tell each other of the new master; for a moment some still say that there is none."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return await one.get("a")
        except redis.ConnectionError:
            assert time.monotonic() < deadline, "the client does not find the new master"
            await asyncio.sleep(0.05)


def replicated(watched: Watched) -> bool:
    with watched.replica.client() as asked:
        return asked.get("a") == "1"


async def test_tls_is_asked_for_with_the_certificates_that_were_named() -> None:
    asked = "?ssl_ca_certs=/etc/ca.pem&ssl_certfile=/etc/own.pem&ssl_keyfile=/etc/own.key"
    named = {"ssl_ca_certs": "/etc/ca.pem", "ssl_certfile": "/etc/own.pem", "ssl_keyfile": "/etc/own.key"}
    single = made(f"rediss://cache{asked}")
    assert issubclass(single.connection_pool.connection_class, redis.asyncio.connection.SSLConnection)
    assert named.items() <= single.connection_pool.connection_kwargs.items()
    sentinel = made(f"rediss+sentinel://cache/main{asked}")
    assert issubclass(sentinel.connection_pool.connection_class, redis.asyncio.connection.SSLConnection)
    assert named.items() <= sentinel.connection_pool.connection_kwargs.items()
    [asker] = sentinel.connection_pool.sentinel_manager.sentinels
    assert named.items() <= asker.connection_pool.connection_kwargs.items()
    cluster = made(f"rediss+cluster://cache{asked}")
    assert named.items() <= cluster.connection_kwargs.items()
    for one in (single, sentinel, cluster):
        await one.aclose()


async def test_sentinels_have_a_password_of_their_own() -> None:
    one = made("redis+sentinel://ada:data@cache/main?sentinel_password=watch")
    [asker] = one.connection_pool.sentinel_manager.sentinels
    assert one.connection_pool.connection_kwargs["password"] == "data"
    assert one.connection_pool.connection_kwargs["username"] == "ada"
    assert asker.connection_pool.connection_kwargs["password"] == "watch"
    assert asker.connection_pool.connection_kwargs.get("username") is None
    await one.aclose()
