"""What limits cost in Redis: a reservation beside a GET through the same client, and the memory of an organization."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import process_time
from typing import Final

import psutil
import uvloop

from cognitude_plugins.gateway.redis_service import RedisService
from cognitude_plugins.gateway.redis_url import parse_redis
from cognitude_plugins.limiter.charge import Charge, Verdict
from cognitude_plugins.limiter.demand import Demand
from cognitude_plugins.limiter.policies import Policies
from cognitude_plugins.limiter.redis_engine import RedisEngine
from cognitude_plugins.limiter.reservation import Reservation
from cognitude_plugins.limiter.rules import Rule
from cognitude_plugins.limiter.settings import Limit
from hooks.testing import make_call
from tests.redis_servers import RedisServer

from .comparisons import Compared
from .machine import cores, cpu_seconds, described, started_on
from .report import bounds, grid
from .suite import say

CONCURRENCY: Final = (1, 16)
MOST_TIMES_A_GET: Final = 2.2
MOST_BYTES: Final = 2000

_PREFIX: Final = "bench"
_HUGE: Final = Decimal(10**9)
_UNDER_WAY: Final = 50
_CALLS: Final = 5000
_DEMAND: Final = Demand(prompt=1000, completion=500, cost=2_000_000)

DEFAULT: Final = [
    Limit(scope="organization", unit="requests", per=per, limit=_HUGE) for per in ("minute", "hour", "day")
]
FOUR: Final = [
    Limit(scope="organization", unit="requests", per="minute", limit=_HUGE),
    Limit(scope="organization", unit="tokens", per="minute", limit=_HUGE),
    Limit(scope="key", unit="cost_usd", per="day", limit=Decimal(100_000), window="calendar"),
    Limit(scope="organization", unit="concurrency", limit=_HUGE),
]
"""Those of the limiter's README, so high that nothing is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one operation, at so many at once: CPU of the client's process and of the server's, in microseconds."""

    what: str
    concurrency: int
    client_us: float
    server_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """``bytes`` are those of all keys of one organization, as ``MEMORY USAGE`` counts them."""

    what: str
    calls: int
    under_way: int
    bytes: int


def limits(seconds: float, folder: Path) -> Compared:
    """``seconds`` for each operation at each concurrency, in seven rounds."""
    with tempfile.TemporaryDirectory(prefix="cognitude-redis-", dir=_short(folder)) as name:
        with started_on(cores()[1]):
            server = RedisServer(Path(name)).start()
        try:
            with started_on(cores()[0]):
                costs = uvloop.run(_costs(server, seconds))
            memory = uvloop.run(_memory(server))
        finally:
            server.stop()
    found = {"costs": [asdict(one) for one in costs], "memory": [asdict(one) for one in memory]}
    return {"machine": described(), **found}, table(costs, memory)


def table(costs: Sequence[Cost], memory: Sequence[Memory]) -> str:
    by_name = {(one.what, one.concurrency): one for one in costs}
    names = list(dict.fromkeys(one.what for one in costs))
    columns = [f"{whose}: CPU µs, {one} at once" for whose in ("client", "server") for one in CONCURRENCY]
    rows = [["", *columns]]
    for name in names:
        found = [by_name[name, one] for one in CONCURRENCY]
        rows.append([name, *(f"{one.client_us:.1f}" for one in found), *(f"{one.server_us:.1f}" for one in found)])
    held = [["", "calls", "under way", "bytes"]]
    held += [[one.what, str(one.calls), str(one.under_way), str(one.bytes)] for one in memory]
    promised = [
        (f"a call's limits: CPU of the client, times a GET's, {one} at once",
         by_name[THREE, one].client_us / by_name[GET, one].client_us, MOST_TIMES_A_GET)
        for one in CONCURRENCY
    ]  # fmt: skip
    promised += [
        (f"{one.what} after {one.calls} calls: bytes of an organization", float(one.bytes), float(MOST_BYTES))
        for one in memory
        if not one.under_way
    ]
    return f"{described()}\n\n{grid(rows)}\n\n{grid(held)}\n\n{bounds(promised)}"


GET: Final = "GET"
THREE: Final = "three windows"
FOUR_NAME: Final = "four limits"


async def _costs(server: RedisServer, seconds: float) -> list[Cost]:
    """In turns, so that a slow moment of the machine hits all."""
    service = RedisService(parse_redis(server.url))
    client = service.client(timeout=5.0)
    await client.set("bench-value", "x" * 100)
    engine = _engine(service)
    await engine.start()
    ids = map(_id, itertools.count())
    three, four = _Asking.of(engine, "acme", DEFAULT), _Asking.of(engine, "other", FOUR)
    operations: dict[str, Callable[[], Awaitable[object]]] = {
        GET: lambda: client.get("bench-value"),
        THREE: lambda: three.reserve(next(ids)),
        f"{FOUR_NAME}, and settled": lambda: four.reserve_and_settle(next(ids)),
    }
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    process = psutil.Process(server.pid)
    try:
        for number in range(7):
            for concurrency in CONCURRENCY:
                for name, operation in operations.items():
                    spent = await _driven(operation, concurrency, seconds / 7, process)
                    found.setdefault((name, concurrency), []).append(spent)
            say(f"limits: round {number + 1} of 7")
    finally:
        await engine.stop()
        await client.aclose()
        await service.release()
    return [
        Cost(
            what=name,
            concurrency=concurrency,
            client_us=median(client for client, _ in every),
            server_us=median(server_ for _, server_ in every),
        )
        for (name, concurrency), every in found.items()
    ]


async def _driven(
    operation: Callable[[], Awaitable[object]], concurrency: int, seconds: float, server: psutil.Process
) -> tuple[float, float]:
    """A closed loop; CPU µs an operation, of this process and of the server."""
    loop = asyncio.get_running_loop()
    count = 0
    until = loop.time() + seconds

    async def one() -> None:
        nonlocal count
        while loop.time() < until:
            await operation()
            count += 1

    began, server_began = process_time(), cpu_seconds([server])
    await asyncio.gather(*(one() for _ in range(concurrency)))
    return (process_time() - began) / count * 1e6, (cpu_seconds([server]) - server_began) / count * 1e6


async def _memory(server: RedisServer) -> list[Memory]:
    service = RedisService(parse_redis(server.url))
    engine = _engine(service)
    await engine.start()
    found: list[Memory] = []
    try:
        for what, some in ((THREE, DEFAULT), (FOUR_NAME, FOUR)):
            for calls in (1, _CALLS):
                asking = _Asking.of(engine, f"org-{len(found):012d}", some)
                for number in range(calls):
                    await asking.reserve_and_settle(_id(number))
                # What is settled goes with the next that is asked, or before it.
                await engine.reserve(asking.organization, "", asking.charges, dry=True)
                found.append(Memory(what=what, calls=calls, under_way=0, bytes=_bytes(server, asking.organization)))
        asking = _Asking.of(engine, f"org-{len(found):012d}", FOUR)
        for number in range(_UNDER_WAY):
            await asking.reserve(_id(number))
        held = _bytes(server, asking.organization)
        found.append(Memory(what=FOUR_NAME, calls=_UNDER_WAY, under_way=_UNDER_WAY, bytes=held))
    finally:
        await engine.stop()
        await service.release()
    return found


def _id(number: int) -> str:
    """As long as a request's."""
    return f"req_{number:032x}"


def _bytes(server: RedisServer, organization: str) -> int:
    with server.client() as client:
        keys = client.scan_iter(f"{_PREFIX}:{{{organization}}}*")
        return sum(client.memory_usage(key, samples=0) or 0 for key in keys)


def _engine(service: RedisService) -> RedisEngine:
    return RedisEngine(
        service, prefix=_PREFIX, timeout=5.0, debts=lambda now: (), on_late=_late, told=lambda why: None
    )  # fmt: skip


def _late(tag: str, id: str, charges: Sequence[Charge], verdict: Verdict) -> None:
    raise AssertionError(f"{tag}: {id} was late")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """The calls of one organization, all alike."""

    engine: RedisEngine
    organization: str
    rules: tuple[Rule, ...]
    charges: tuple[Charge, ...]

    @classmethod
    def of(cls, engine: RedisEngine, organization: str, limits: Sequence[Limit]) -> _Asking:
        policies = Policies(limits, lambda name: (), zone=lambda name: "UTC")
        call = make_call(organization=organization)
        prepared = policies.of(call.caller)
        rules, charges = policies.charges(prepared, call, call.model, _DEMAND, "", engine.now())
        return cls(engine=engine, organization=organization, rules=rules, charges=charges)

    async def reserve(self, id: str) -> Verdict:
        return await self.engine.reserve(self.organization, id, self.charges)

    async def reserve_and_settle(self, id: str) -> None:
        verdict = await self.reserve(id)
        if len(self.charges) > len(self.rules):
            taken = Reservation(id, self.organization, self.rules, self.charges, verdict, _DEMAND, "", local=False)
            self.engine.settle(self.organization, id, taken.corrections(1200, 1_500_000, ""))


def _short(folder: Path) -> str:
    """Sockets have short names."""
    return str(folder if len(str(folder)) < 60 else Path(tempfile.gettempdir()))
