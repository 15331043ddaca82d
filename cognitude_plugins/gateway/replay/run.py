"""The replay itself: calls arrive when they arrived, in every lane, and what comes of them is compared."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from os import environ
from typing import Any, Final

import orjson

from hooks import ConfigError, PluginError, Unavailable

from ..runtime import Runtime, build
from .clock import Clock, real_seconds
from .item import Item
from .known import Known
from .lane import Lane
from .loop import Jumping
from .opening import opened
from .order import Order
from .origin import Origin
from .requests_file import WrongLine, items
from .result import Result, recorded
from .tally import Tally

_TOLD_SECONDS: Final = 0.5
_GARBAGE: Final = (50_000, 20, 100)
"""Calls leave little of it, and looking for it takes longer than playing them."""
_MOST_UNDER_WAY: Final = 10_000


@dataclass(slots=True)
class _Replay:
    """``lanes`` are that of the changed configuration and, behind it, that of the baseline."""

    order: Order
    clock: Clock
    tally: Tally
    known: Known
    played: int = 0
    warmed: int = 0

    async def run(self, lanes: list[Lane], calls: Iterable[Item], told: _Progress) -> None:
        under_way: set[asyncio.Task[None]] = set()
        for item in calls:
            left = item.left_out
            if left is not None:
                self.tally.left_out[left] += item.row.time_ms >= self.order.since_ms
                continue
            wait = (item.row.time_ms * 1_000_000 - self.clock.ns) / 1e9
            if wait > 0 or len(under_way) > _MOST_UNDER_WAY:
                await asyncio.sleep(max(0.0, wait))
            self.known.see(item)
            task = asyncio.create_task(self._play(item, lanes))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            told.tell(self.played + self.warmed, item.row.time_ms)
        await asyncio.gather(*under_way)

    async def _play(self, item: Item, lanes: list[Lane]) -> None:
        results = await asyncio.gather(*(lane.play(item) for lane in lanes)) if len(lanes) > 1 else None
        after = await lanes[0].play(item) if results is None else results[0]
        if item.row.time_ms < self.order.since_ms:
            self.warmed += 1
            return
        self.played += 1
        self._compare(item, after, None if results is None else results[1])

    def _compare(self, item: Item, after: Result, baseline: Result | None) -> None:
        was = recorded(item.row)
        reproduced = baseline is None or item.body is not None or baseline.decision() == was.decision()
        self.tally.add(item, was if baseline is None else baseline, after, reproduced)


class _Progress:
    """A line of standard error that is gone at the end."""

    def __init__(self, shown: bool, total: int) -> None:
        self._shown = shown
        self._total = total
        self._next = 0.0

    def tell(self, done: int, time_ms: int) -> None:
        if not self._shown or real_seconds() < self._next:
            return
        self._next = real_seconds() + _TOLD_SECONDS
        day = datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
        of = f" of {self._total}" if self._total else ""
        sys.stderr.write(f"\r\x1b[K{done}{of} calls, {day}")
        sys.stderr.flush()

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")


def main(clock: Clock) -> int:
    """Of the process: an order on standard input, the report in a file; 1 when it could not be made."""
    order = Order.decode(sys.stdin.buffer.read())
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    try:
        report = replayed(order, clock)
    except ConfigError as error:
        report = {"problems": [problem.as_dict() for problem in error.problems], "error": str(error)}
    except (PluginError, Unavailable, WrongLine, OSError) as error:
        report = {"error": str(error)}
    order.result.write_bytes(orjson.dumps(report))
    return 1 if "error" in report else 0


def replayed(order: Order, clock: Clock) -> dict[str, Any]:
    """Raises `ConfigError`, `PluginError`, `Unavailable`, `WrongLine` or ``OSError``."""
    runtimes = [build(order.config, environ)]
    if order.baseline is not None:
        runtimes.append(build(order.baseline, environ))
    present = build(order.recorded_by, environ)
    with _origin(present) as origin:
        _check(order, origin)
        calls, total, first_ms = _calls(order, origin, runtimes[0])
        clock.begin(first_ms * 1_000_000)
        loop = Jumping(clock)
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(_replay(order, clock, runtimes, present, origin, calls, total))
        finally:
            loop.close()


async def _replay(
    order: Order,
    clock: Clock,
    runtimes: list[Runtime],
    present: Runtime,
    origin: Origin,
    calls: Iterator[Item],
    total: int,
) -> dict[str, Any]:
    known, tally, began = Known(), Tally(), real_seconds()
    work = _Replay(order, clock, tally, known)
    told = _Progress(order.progress, total)
    async with AsyncExitStack() as stack:
        lanes = [
            await stack.enter_async_context(opened(one, present, origin, known, order.folder / f"lane-{number}"))
            for number, one in enumerate(runtimes)
        ]
        await work.run(lanes, calls, told)
    told.end()
    seconds = real_seconds() - began
    return {
        **tally.as_dict(),
        "warm_up_calls": work.warmed,
        "own_calls": lanes[0].own_calls,
        "seconds": round(seconds, 3),
        "unchanged_entries": sorted(lanes[0].common.entries),
    }


def _check(order: Order, origin: Origin) -> None:
    """What is mistyped must not look like a time without calls. Raises `Unavailable`."""
    if order.may_be_new or order.requests is not None:
        return
    if origin.storage is None:
        from ..books import storage_of

        name = repr(storage_of(origin.config)).removeprefix("Storage(").removesuffix(")")
        raise Unavailable(f"there is no database at {name} that a gateway has written: see --recorded-by")
    if order.organization is not None and not origin.knows(order.organization):
        raise Unavailable(f"there is no organization {order.organization!r}")


@contextmanager
def _origin(present: Runtime) -> Iterator[Origin]:
    from ..books import storage_of
    from ..storage.migrations import state

    storage = storage_of(present.config)
    try:
        if not storage.exists:
            yield Origin(present.config, None)
            return
        core = state(storage)[0]
        if core.current is None:
            yield Origin(present.config, None)
            return
        if core.pending:
            raise Unavailable(f"the database is at {core.current}: run `cognitude migrate`, or start the gateway")
        yield Origin(present.config, storage)
    finally:
        storage.close()


def _calls(order: Order, origin: Origin, runtime: Runtime) -> tuple[Iterator[Item], int, int]:
    """The calls, about how many, and when the clock is to begin."""
    since = max(0, order.since_ms - order.warm_up_ms)
    if order.requests is not None:

        def wanted() -> Iterator[Item]:
            found = items(order.requests, runtime.call_limits)  # type: ignore[arg-type]
            return (one for one in found if order.wants(one.row.organization, one.row.time_ms))

        # The whole file is read first, so that nothing is played of one that has a wrong line.
        times = [one.row.time_ms for one in wanted()]
        return wanted(), len(times), times[0] if times else since
    rows = origin.rows(order.organization, since, order.until_ms)
    total = origin.count(order.organization, since, order.until_ms)
    first = next(rows, None)
    calls = (Item(row=row) for row in (rows if first is None else chain((first,), rows)))
    return calls, total, since if first is None else first.time_ms
