"""The limiter's way to a Redis without a gateway around it, and what a test then wants to know of that Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from cognitude_plugins.limiter.charge import Charge, Kind
from cognitude_plugins.limiter.settings import Config
from cognitude_plugins.limiter.shared import Shared
from tests.redis_servers import RedisServer

HOUR: Final = 3_600_000
PREFIX: Final = "cognitude:limiter"
_CLUSTER: Final = "redis+cluster://"


class Held:
    """A way to a server on which a test holds back what is asked, or the answers, as long as it likes."""

    def __init__(self, to: RedisServer) -> None:
        self._socket = to.folder / "held.sock"
        self.url = f"unix://{self._socket}"
        self.asks, self.answers = asyncio.Event(), asyncio.Event()
        self.asks.set()
        self.answers.set()
        self.delay = 0.0
        self._to = to
        self._under_way: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Held:
        self._server = await asyncio.start_unix_server(self._joined, self._socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._to.socket)
        for way in ((reader, back, self.asks, lambda: 0.0), (there, writer, self.answers, lambda: self.delay)):
            task = asyncio.create_task(_carry(*way))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)


class Lone:
    """Of a gateway what `Shared.opened` asks."""

    workers = 1


class At:
    """What a gateway lends as ``services.redis``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.cluster = url.startswith(_CLUSTER)

    def client(self, *, timeout: float) -> Any:
        options: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": min(timeout, 0.1)}
        options["retry"] = Retry(NoBackoff(), 0)
        if not self.cluster:
            return Redis.from_url(self._url, **options)
        places = [one.rpartition(":") for one in self._url.removeprefix(_CLUSTER).split(",")]
        return RedisCluster(startup_nodes=[ClusterNode(host, int(port)) for host, _, port in places], **options)


@asynccontextmanager
async def shared(url: str, **config: Any) -> AsyncIterator[Shared]:
    """It waits longer for Redis than by default: a busy machine is not what these tests are about."""
    settings = Config(**{"redis_timeout": 0.3, **config})
    async with AsyncExitStack() as stack:
        yield await Shared.opened(At(url), Lone(), settings, stack)  # type: ignore[arg-type]


def requests(limit: int = 10**9) -> Charge:
    return Charge(subject="o", field="requests", kind=Kind.SLIDING, limit=limit, amount=1, window=HOUR)


def tokens(amount: int) -> Charge:
    return Charge(subject="o", field="tokens", kind=Kind.SLIDING, limit=10**9, amount=amount, window=HOUR)


def lease() -> Charge:
    return Charge(subject="o", field="open", kind=Kind.LEASE, limit=10**9, amount=1, window=30_000)


def counted(server: RedisServer, organization: str, field: str = "requests", subject: str = "o") -> int:
    """In Redis, in this window and the last one."""
    with server.client() as client:
        found = client.hmget(f"{PREFIX}:{{{organization}}}:{subject}", f"{field}:c", f"{field}:p")
    return sum(int(float(one or 0)) for one in found)


def under_way(server: RedisServer, organization: str = "acme") -> int:
    with server.client() as client:
        return int(client.zcard(f"{PREFIX}:{{{organization}}}:o:open"))


async def until(holds: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        await asyncio.sleep(0.01)


async def together(count: int, one: Callable[[int], Awaitable[Any]]) -> list[Any]:
    return list(await asyncio.gather(*(one(number) for number in range(count))))


@contextmanager
def started(made: Callable[[Path], Any]) -> Iterator[Any]:
    """A server, or a cluster, of one test's own, which may do with it what it wants."""
    with TemporaryDirectory(prefix="redis-") as folder:
        one = made(Path(folder))
        try:
            one.start()
            yield one
        finally:
            one.stop()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, opened: asyncio.Event, delay: Callable[[], float]
) -> None:
    """What was sent before its sender left arrives all the same."""
    try:
        while data := await reader.read(65536):
            await opened.wait()
            await asyncio.sleep(delay())
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
