"""What is asked of the machine: which core a process runs on, the CPU time and the memory it takes."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


def cores() -> tuple[int | None, int | None]:
    """The core of the process under test and the core of everything else; None where they cannot be told apart."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def pin(core: int | None) -> Callable[[], None]:
    """For ``preexec_fn``: the child runs on this core only, and so does whatever it starts."""

    def pinned() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})

    return pinned


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """CPU time of all threads so far. From the scheduler's nanoseconds where the kernel tells them, else from ticks."""
    return sum(_scheduled(process) for process in processes)


def _scheduled(process: psutil.Process) -> float:
    threads = Path(f"/proc/{process.pid}/task")
    try:
        spent = [int((thread / "schedstat").read_text().split()[0]) for thread in threads.iterdir()]
    except (OSError, IndexError):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            return float(times.user + times.system)
        # It has ended since it was listed.
        return 0.0
    return sum(spent) / 1e9


def first_thread_seconds(pid: int) -> float:
    """CPU time of the thread a process began with, in which an event loop runs; 0 where the kernel does not tell."""
    try:
        return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, IndexError):
        return 0.0


@contextmanager
def started_on(core: int | None) -> Iterator[None]:
    """What is started meanwhile runs on this core only."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def memory_mb(processes: list[psutil.Process]) -> float:
    """Resident set size in 10⁶ bytes."""
    return sum(float(process.memory_info().rss) for process in processes) / 1e6


def described() -> str:
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
