"""Runs plugins' jobs between requests: on time, one run of a job at a time, a failure never ends it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from inspect import signature
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from hooks import Job, PluginError, Unavailable
from hooks.job import Tick

from .accounts.times import milliseconds, moment
from .faults import Faults
from .foreign import ask
from .interrupted import interrupted
from .jobs.lease import Lease
from .jobs.timetable import Timetable, timetable

if TYPE_CHECKING:
    from .storage.database import Storage

_LONGEST_SLEEP: Final = 10.0
"""Seconds. The clock on the wall may be set while a job waits for a time on it."""
_PATIENCE_SECONDS: Final = 1.0


@dataclass(slots=True, kw_only=True)
class Run:
    """How a job fares in this process: its runs, the ticks that were skipped because it was still at work or nobody
    could run them, and of the last run its begin, seconds and kind of failure.
    """

    runs: int = 0
    skipped: int = 0
    last_started: datetime | None = None
    last_seconds: float | None = None
    last_error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For ``/health``, which is public: the kind of the error, not its text."""
        return {
            "runs": self.runs,
            "skipped": self.skipped,
            "last_started_at": moment(milliseconds(self.last_started)),
            "last_seconds": self.last_seconds,
            "last_error": self.last_error,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """``name`` is ``plugin.job``."""

    name: str
    plugin: str
    job: Job
    times: Timetable
    run: Run = field(default_factory=Run)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)


class Scheduler:
    """``now`` is the clock on the wall."""

    def __init__(
        self,
        jobs: Sequence[tuple[str, Job]],
        faults: Mapping[str, Faults],
        now: Callable[[], datetime] = lambda: datetime.fromtimestamp(time(), UTC),
    ) -> None:
        self.jobs: Final = {
            name: Scheduled(name=name, plugin=plugin, job=job, times=timetable(job))
            for plugin, job in jobs
            for name in (f"{plugin}.{job.name}",)
        }
        self._faults = faults
        self._now = now
        self._holder = ""
        self._storage: Storage | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, storage: Storage | None) -> None:
        """Without a database, as in a runtime without books, jobs of ``cluster`` scope run in this process."""
        self._storage = storage
        self._holder = f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid4().hex[:8]}"
        for one in self.jobs.values():
            alone = one.job.scope == "process" or storage is None
            work = self._repeat(one) if alone and one.job.every is not None else self._keep_time(one)
            self._tasks.append(asyncio.create_task(work, name=f"job {one.name}"))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def run_now(self, one: Scheduled) -> bool:
        """Out of turn; False where it is running already, here or elsewhere. Raises `Unavailable`."""
        if one.busy.locked():
            return False
        lease = self._lease(one)
        if lease is None:
            await self._once(one, Tick(due=self._now()))
            return True
        fence = await lease.claim(self._now())
        if fence is None:
            return False
        await self._hold(one, lease, self._now(), fence)
        return True

    def _lease(self, one: Scheduled) -> Lease | None:
        if one.job.scope == "process" or self._storage is None:
            return None
        return Lease(self._storage, one.name, self._holder)

    async def _repeat(self, one: Scheduled) -> None:
        """Every so often from start-up on, by the clock that nobody sets."""
        assert one.job.every is not None
        every, loop = one.job.every.total_seconds(), asyncio.get_running_loop()
        due = loop.time() + every
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self._once(one, Tick(due=self._now()))
            missed = max(0, int((loop.time() - due) // every))
            one.run.skipped += missed
            due += every * (missed + 1)

    async def _keep_time(self, one: Scheduled) -> None:
        """At times of the clock on the wall."""
        lease, last = self._lease(one), self._now()
        if lease is not None:
            last = await self._make_good(one, lease, last)
        while (due := one.times.after(last)) is not None:
            while (left := (due - self._now()).total_seconds()) > 0:
                await asyncio.sleep(min(left, _LONGEST_SLEEP))
            if lease is None:
                await self._once(one, Tick(due=due))
                last = due
            else:
                last = await self._in_turn(one, lease, due)
            last = self._skip(one, last)

    def _skip(self, one: Scheduled, last: datetime) -> datetime:
        """The ticks that passed meanwhile are counted, and left out."""
        now = self._now()
        latest = one.times.last(now, now - last) if now > last else None
        while latest is not None and last < latest:
            following = one.times.after(last)
            if following is None or following > latest:
                break
            one.run.skipped += 1
            last = following
        return last

    async def _make_good(self, one: Scheduled, lease: Lease, now: datetime) -> datetime:
        """At start-up: the last tick, if the job ran before and nobody could run that one, or its holder died."""
        due = one.times.last(now, one.job.grace)
        try:
            found = None if due is None else await lease.state()
        except (Unavailable, SQLAlchemyError) as error:
            self._failed(one, error)
            return now
        if due is None or found is None or found.due > due or (found.due == due and found.done):
            return now
        return max(now, await self._in_turn(one, lease, due))

    async def _in_turn(self, one: Scheduled, lease: Lease, due: datetime) -> datetime:
        """Run the tick, unless somebody else does or has done: of one who is at it, wait until he is done or dead.

        Returns the tick that it came to: a later one if the wait was longer than to the next.
        """
        while True:
            try:
                found = await lease.state()
                if found is None or found.free_for(due):
                    fence = await lease.claim(due)
                    if fence is not None:
                        await self._hold(one, lease, due, fence)
                        return due
                elif found.done or found.due > due:
                    return due
                wait = _PATIENCE_SECONDS / 10 if found is None else max(0.02, found.left_ms / 1000 + 0.02)
            except (Unavailable, SQLAlchemyError) as error:
                self._failed(one, error)
                wait = _PATIENCE_SECONDS
            await asyncio.sleep(wait)
            now = self._now()
            due = one.times.last(now, now - due) or due

    async def _hold(self, one: Scheduled, lease: Lease, due: datetime, fence: int) -> None:
        """Run it for as long as the tick is held."""
        work = asyncio.create_task(self._once(one, Tick(due=due, fence=fence)), name=f"run {one.name}")
        ended = False
        try:
            ended = await lease.keep(work, fence)
            if ended:
                await lease.finish(fence, one.run.last_seconds or 0.0, one.run.last_error)
        finally:
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
            if not ended:
                await lease.give_back(fence)

    async def _once(self, one: Scheduled, tick: Tick) -> None:
        async with one.busy:
            started, one.run.last_started, one.run.last_error = perf_counter(), self._now(), None
            try:
                await _called(one.job, tick)
            except asyncio.CancelledError as error:
                if interrupted():
                    raise
                self._failed(one, error)
            except Exception as error:
                self._failed(one, error)
            one.run.runs += 1
            one.run.last_seconds = perf_counter() - started

    def _failed(self, one: Scheduled, error: BaseException) -> None:
        one.run.last_error = type(error).__name__
        self._faults[one.plugin].failed(f"job {one.job.name}", error)


async def _called(job: Job, tick: Tick) -> None:
    run: Any = job.run
    await (run(tick) if signature(run).parameters else run())


def collected(hooks: Sequence[Any]) -> list[tuple[str, Job]]:
    """The jobs of all plugins with their plugin's name. Raises `PluginError` for what is none, or never due."""
    jobs: list[tuple[str, Job]] = []
    for hook in hooks:
        for job in ask(hook, "schedule") or ():
            if not isinstance(job, Job):
                raise PluginError(f"plugin {hook.plugin_name!r}: schedule gave {type(job).__name__}, not a Job")
            try:
                timetable(job)
            except ValueError as error:
                raise PluginError(f"plugin {hook.plugin_name!r}: {error}") from None
            jobs.append((hook.plugin_name, job))
    return jobs
