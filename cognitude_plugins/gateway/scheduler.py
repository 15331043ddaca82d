"""Runs plugins' jobs between requests: on time, one run of a job at a time, a failure never ends it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from inspect import signature
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from hooks import Job, PluginError, Unavailable
from hooks.job import Tick

from .accounts.times import milliseconds, moment
from .faults import Faults
from .foreign import ask
from .interrupted import interrupted
from .jobs.timetable import Timetable, timetable

if TYPE_CHECKING:
    from .jobs.lease import Lease
    from .jobs.state import Look
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
        self._telling: set[asyncio.Task[None]] = set()

    async def start(self, storage: Storage | None) -> None:
        """Without a database, as in a runtime without books, jobs of ``cluster`` scope run in this process."""
        self._storage = storage
        self._holder = f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid4().hex[:8]}"
        for one in self.jobs.values():
            lease = self._lease(one)
            if lease is not None:
                work = self._share(one, lease)
            else:
                work = self._repeat(one) if one.job.every is not None else self._keep_time(one)
            task = asyncio.create_task(work, name=f"job {one.name}")
            task.add_done_callback(partial(self._ended, one))
            self._tasks.append(task)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._telling:
            await asyncio.wait(self._telling, timeout=_PATIENCE_SECONDS)
        for telling in tuple(self._telling):
            telling.cancel()

    async def run_now(self, one: Scheduled) -> bool:
        """Out of turn; False where it is running already, here or elsewhere. Raises `Unavailable`."""
        if one.busy.locked():
            return False
        lease = self._lease(one)
        if lease is None:
            await self._once(one, Tick(due=self._now()))
            return True
        due = (await lease.look()).now
        fence = await lease.claim(due)
        if fence is not None:
            await self._hold(one, lease, due, fence)
        return fence is not None

    def _lease(self, one: Scheduled) -> Lease | None:
        if one.job.scope == "process" or self._storage is None:
            return None
        # With it comes SQLAlchemy, which most commands do not need.
        from .jobs.lease import Lease

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
        """At times of the clock on the wall, in this process."""
        last = self._now()
        while (following := one.times.after(last)) is not None:
            await self._until(following, timedelta(0))
            due = one.times.last(self._now(), one.job.grace)
            if due is not None and due > last:
                await self._once(one, Tick(due=due))
            last = self._skip(one, last, due or self._now())

    async def _share(self, one: Scheduled, lease: Lease) -> None:
        """At times of the database's clock, which all who share the job have in common.

        First what was due before this process was there, if the job ran before and nobody could run that one, or died
        of it.
        """
        seen = await self._look(one, lease)
        last = seen.now if seen.state is None else await self._in_turn(one, lease, seen.state.due)
        while True:
            seen = await self._look(one, lease)
            last = min(last, seen.now)
            following = one.times.after(max(last, seen.now - one.job.grace))
            if following is None:
                return
            await self._until(following, seen.now - self._now())
            last = self._skip(one, last, await self._in_turn(one, lease, last))

    async def _until(self, due: datetime, ahead: timedelta) -> None:
        """``ahead`` is what another clock has before this process'."""
        while (left := (due - self._now() - ahead).total_seconds()) > 0:
            await asyncio.sleep(min(left, _LONGEST_SLEEP))

    def _skip(self, one: Scheduled, last: datetime, reached: datetime) -> datetime:
        """The ticks that passed meanwhile are counted, and left out."""
        one.run.skipped += one.times.between(last, reached)
        return max(last, reached)

    async def _in_turn(self, one: Scheduled, lease: Lease, last: datetime) -> datetime:
        """Run the tick that is due, unless somebody else does or has done, or it is longer ago than it may be.

        Of one who is at it, wait until he is done or dead. Returns how far time has come with that.
        """
        while True:
            seen = await self._look(one, lease)
            due, state = one.times.last(seen.now, one.job.grace), seen.state
            if due is None or due < last <= seen.now:
                return seen.now if due is None else last
            if seen.free_for(due):
                try:
                    fence = await lease.claim(due)
                except Unavailable as error:
                    self._failed(one, error)
                    await asyncio.sleep(_PATIENCE_SECONDS)
                    continue
                if fence is not None:
                    await self._hold(one, lease, due, fence)
                    return due
            elif state is not None and (state.done or state.due > due):
                return due
            await asyncio.sleep(0.02 + (0.0 if state is None else state.left.total_seconds()))

    async def _look(self, one: Scheduled, lease: Lease) -> Look:
        """When the database answers."""
        while True:
            try:
                return await lease.look()
            except Unavailable as error:
                self._failed(one, error)
                await asyncio.sleep(_PATIENCE_SECONDS)

    async def _hold(self, one: Scheduled, lease: Lease, due: datetime, fence: int) -> None:
        """Run it for as long as the tick is held, and tell what became of it, also when this is cancelled."""
        work = asyncio.create_task(self._once(one, Tick(due=due, fence=fence)), name=f"run {one.name}")
        try:
            await lease.keep(work, fence)
        finally:
            over = work.done()
            if not over:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
            run = one.run
            told = lease.finish(fence, run.last_seconds or 0.0, run.last_error) if over else lease.give_back(fence)
            telling = asyncio.create_task(told, name=f"tell {one.name}")
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)
        # Or the same tick would be free again in two seconds.
        await asyncio.shield(telling)

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

    def _ended(self, one: Scheduled, task: asyncio.Task[None]) -> None:
        """A mistake of ours: nobody waits for the task."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failed(one, error)

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
