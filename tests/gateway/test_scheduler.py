"""Jobs between requests: on time, never twice at once, and no failure ends them."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from cognitude_plugins.gateway.faults import Faults
from cognitude_plugins.gateway.scheduler import Run, Scheduler, collected
from hooks import Job, PluginError

EVERY = timedelta(milliseconds=30)


def scheduler(
    folder: Path, run: Callable[[], Awaitable[None]], scope: Literal["cluster", "process"] = "process"
) -> tuple[Scheduler, Run, Faults]:
    faults = Faults("mine")
    made = Scheduler([("mine", Job(name="job", every=EVERY, run=run, scope=scope))], {"mine": faults}, folder / "lock")
    return made, made.report["mine.job"], faults


async def during(made: Scheduler, seconds: float) -> None:
    await made.start()
    await asyncio.sleep(seconds)
    await made.stop()


async def test_a_job_runs_every_so_often_the_first_time_after_one_interval(tmp_path: Path) -> None:
    began = asyncio.get_running_loop().time()
    times: list[float] = []

    async def run() -> None:
        times.append(asyncio.get_running_loop().time() - began)

    made, report, _ = scheduler(tmp_path, run)
    await during(made, 0.14)
    assert 3 <= len(times) <= 4
    assert times[0] >= 0.028
    assert report.runs == len(times)
    assert report.last_seconds is not None
    await asyncio.sleep(0.05)
    assert report.runs == len(times), "a stopped scheduler runs nothing"


async def test_a_failing_job_is_counted_and_runs_again(tmp_path: Path) -> None:
    async def run() -> None:
        raise ValueError("no")

    made, report, faults = scheduler(tmp_path, run)
    await during(made, 0.1)
    assert report.runs == faults.errors >= 2
    assert faults.last_error == "job job: ValueError: no"


async def test_a_cancelled_error_that_strays_in_does_not_end_a_job(tmp_path: Path) -> None:
    async def run() -> None:
        raise asyncio.CancelledError

    made, _, faults = scheduler(tmp_path, run)
    await during(made, 0.1)
    assert faults.errors >= 2


async def test_a_run_that_takes_too_long_is_not_overlapped_and_its_ticks_are_skipped(tmp_path: Path) -> None:
    at_once = most = 0

    async def run() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.08)
        at_once -= 1

    made, report, _ = scheduler(tmp_path, run)
    await during(made, 0.26)
    assert most == 1
    assert report.skipped >= 2


async def test_a_job_of_the_cluster_runs_where_the_lock_is_held(tmp_path: Path) -> None:
    ran: list[str] = []

    def job(name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            ran.append(name)

        return run

    first, report, _ = scheduler(tmp_path, job("first"), "cluster")
    second, other, faults = scheduler(tmp_path, job("second"), "cluster")
    await first.start()
    await asyncio.sleep(0.01)
    await second.start()
    await asyncio.sleep(0.1)
    assert set(ran) == {"first"}
    assert (report.runs > 0, other.runs, faults.errors) == (True, 0, 0)
    await first.stop()
    await asyncio.sleep(0.08)
    assert "second" in ran, "when one goes, another takes over"
    await second.stop()
    with (tmp_path / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_a_lock_that_cannot_be_had_is_a_failure_and_not_the_end(tmp_path: Path) -> None:
    async def run() -> None:
        raise AssertionError("never")

    made, _, faults = scheduler(tmp_path / "missing", run, "cluster")
    await during(made, 0.1)
    assert faults.errors >= 2
    assert "FileNotFoundError" in str(faults.last_error)


def hook(function: Callable[[], Any]) -> Any:
    return SimpleNamespace(function=function, plugin_name="mine", argnames=())


def test_what_is_no_job_is_refused_by_the_plugins_name() -> None:
    with pytest.raises(PluginError, match=r"'mine'.*str, not a Job"):
        collected([hook(lambda: ["job"])])
    assert collected([hook(lambda: None), hook(list)]) == []
