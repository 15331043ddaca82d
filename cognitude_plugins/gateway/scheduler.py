"""Runs plugins' jobs between requests: on time, one run of a job at a time, a failure never ends it."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import IO, Any, Final

from hooks import Job, PluginError

from .faults import Faults
from .foreign import ask
from .interrupted import interrupted

log: Final = logging.getLogger("cognitude.jobs")


@dataclass(slots=True, kw_only=True)
class Run:
    """How a job fares: its runs, those that were skipped because it was still at work, and the last one's seconds."""

    runs: int = 0
    skipped: int = 0
    last_seconds: float | None = None


class Scheduler:
    """``jobs`` by plugin name. ``lock`` is the file whose holder runs the jobs of ``cluster`` scope on this machine."""

    def __init__(self, jobs: Sequence[tuple[str, Job]], faults: Mapping[str, Faults], lock: Path) -> None:
        self.report: dict[str, Run] = {f"{plugin}.{job.name}": Run() for plugin, job in jobs}
        self._jobs = jobs
        self._faults = faults
        self._lock = lock
        self._held: IO[str] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        for plugin, job in self._jobs:
            self._tasks.append(asyncio.create_task(self._repeat(plugin, job), name=f"job {plugin}.{job.name}"))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._held is not None:
            self._held.close()
            self._held = None

    async def _repeat(self, plugin: str, job: Job) -> None:
        every = job.every.total_seconds()
        loop = asyncio.get_running_loop()
        run = self.report[f"{plugin}.{job.name}"]
        due = loop.time() + every
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self._once(plugin, job, run)
            missed = max(0, int((loop.time() - due) // every))
            run.skipped += missed
            due += every * (missed + 1)

    async def _once(self, plugin: str, job: Job, run: Run) -> None:
        started = perf_counter()
        try:
            if job.scope == "cluster" and not self._leads():
                return
            await job.run()
        except asyncio.CancelledError as error:
            if interrupted():
                raise
            self._faults[plugin].failed(f"job {job.name}", error)
        except Exception as error:
            self._faults[plugin].failed(f"job {job.name}", error)
        run.runs += 1
        run.last_seconds = perf_counter() - started

    def _leads(self) -> bool:
        """Whether this process holds the lock, trying for it if not: the kernel lets go of it when a process dies."""
        if self._held is None:
            file = os.fdopen(os.open(self._lock, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            self._held = file
        return True


def collected(hooks: Sequence[Any]) -> list[tuple[str, Job]]:
    """The jobs of all plugins with their plugin's name. Raises `PluginError` naming what is not a `Job`."""
    jobs: list[tuple[str, Job]] = []
    for hook in hooks:
        for job in ask(hook, "schedule") or ():
            if not isinstance(job, Job):
                raise PluginError(f"plugin {hook.plugin_name!r}: schedule gave {type(job).__name__}, not a Job")
            jobs.append((hook.plugin_name, job))
    return jobs
