"""Layers for tests: a real Redis, a real database, and a gateway that lends both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from cognitude_plugins.redis_cache.entry import Entry
from cognitude_plugins.redis_cache.hot import Hot
from cognitude_plugins.redis_cache.stored import Row
from tests.redis_servers import RedisServer

SECRET = b"s" * 32
KEYS = [f"{number:064x}" for number in range(10)]


class At:
    """What a gateway lends as ``services.redis``."""

    cluster = False

    def __init__(self, url: str) -> None:
        self._url = url

    def client(self, *, timeout: float) -> Any:
        return Redis.from_url(
            self._url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
        )


@contextmanager
def started() -> Iterator[RedisServer]:
    """A server of one test's own, which may do with it what it wants."""
    with TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder)).start()
        try:
            yield server
        finally:
            server.stop()


@asynccontextmanager
async def hot(server: RedisServer, *, timeout: float = 1.0, ttl: int = 60) -> AsyncIterator[Hot]:
    one = Hot(At(server.url), timeout=timeout, ttl=ttl)
    try:
        yield one
    finally:
        await one.close()


def entry(body: bytes = b'{"a": 1}', model: str = "m", created_ms: int = 0, seconds: int | None = None) -> Entry:
    return Entry(body=body, created_ms=created_ms, model=model, cost_nano_usd=28, seconds=seconds)


def row(key: str = KEYS[0], organization: str = "acme", **fields: Any) -> Row:
    given: dict[str, Any] = {"model": "m", "created_ms": 0, "packed": b"packed", **fields}
    return Row(organization=organization, key=key, size=len(given["packed"]), **given)
