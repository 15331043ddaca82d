"""A cluster whose nodes answer late, or whose answers this process reads late: each call is counted once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cognitude_plugins.limiter.shared import Shared
from tests.redis_servers import RedisCluster, RedisServer

from .servers import counted, requests, shared, started


@pytest.fixture
def nodes() -> Iterator[RedisCluster]:
    with started(RedisCluster) as cluster:
        yield cluster


@pytest.fixture
def node(nodes: RedisCluster) -> RedisServer:
    """That of acme."""
    return nodes.holding("{acme}")


class Calls:
    def __init__(self, counters: Shared) -> None:
        self.admitted = 0
        self.local: list[bool] = []
        self._counters = counters

    async def one(self, id: str) -> None:
        verdict, local = await self._counters.reserve("acme", id, (requests(),))
        self.admitted += verdict is None or verdict.admitted
        self.local.append(local)

    async def pay(self, seconds: float = 10) -> None:
        """Until a call is decided in Redis: with that what was decided here is counted there."""
        end = time.monotonic() + seconds
        while True:
            await self.one(f"pays {len(self.local)}")
            if not self.local[-1]:
                return
            assert time.monotonic() < end, "it is still decided without Redis"
            await asyncio.sleep(0.1)


async def test_what_has_come_while_this_process_stood_still_is_counted_once(
    nodes: RedisCluster, node: RedisServer
) -> None:
    async with shared(nodes.url, redis_timeout=0.05) as counters:
        calls = Calls(counters)
        for number in range(6):
            waiting = [asyncio.create_task(calls.one(f"{number}-{one}")) for one in range(5)]
            for _ in range(3):
                await asyncio.sleep(0)
            time.sleep(0.08)  # noqa: ASYNC251
            await asyncio.gather(*waiting)
        await calls.pay()
    assert counted(node, "acme") == calls.admitted


async def test_what_is_counted_is_what_was_let_through_however_often_a_node_hangs(
    nodes: RedisCluster, node: RedisServer
) -> None:
    async with shared(nodes.url, redis_timeout=0.05) as counters:
        calls = Calls(counters)
        going: list[Any] = [True]

        async def caller(number: int) -> None:
            while going:
                await calls.one(f"{number}-{len(calls.local)}")
                await asyncio.sleep(0.001)

        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(caller(number))
            for _ in range(5):
                await asyncio.sleep(0.7)
                node.freeze()
                await asyncio.sleep(0.3)
                node.thaw()
            going.clear()
        await calls.pay()
    assert any(calls.local)
    assert counted(node, "acme") == calls.admitted
