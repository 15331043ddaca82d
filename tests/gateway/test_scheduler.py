"""Jobs between requests: on time, never twice at once, and no failure ends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update

from cognitude_plugins.gateway.faults import Faults
from cognitude_plugins.gateway.jobs.lease import Lease
from cognitude_plugins.gateway.jobs.tables import JOBS
from cognitude_plugins.gateway.scheduler import Run, Scheduler, collected
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade
from hooks import Job, PluginError, Tick, Unavailable

EVERY = timedelta(milliseconds=30)


def scheduler(run: Any, **options: Any) -> tuple[Scheduler, Run, Faults]:
    faults = Faults("mine")
    when = options if "cron" in options else {"every": EVERY, **options}
    made = Scheduler([("mine", Job(name="job", run=run, **when))], {"mine": faults})
    return made, made.jobs["mine.job"].run, faults


async def during(made: Scheduler, seconds: float) -> None:
    await made.start(None)
    await asyncio.sleep(seconds)
    await made.stop()


async def test_a_job_runs_every_so_often_the_first_time_after_one_interval() -> None:
    began = asyncio.get_running_loop().time()
    times: list[float] = []

    async def run() -> None:
        times.append(asyncio.get_running_loop().time() - began)

    made, report, _ = scheduler(run)
    await during(made, 0.14)
    assert 3 <= len(times) <= 4
    assert times[0] >= 0.028
    assert report.runs == len(times)
    assert report.last_seconds is not None
    await asyncio.sleep(0.05)
    assert report.runs == len(times), "a stopped scheduler runs nothing"


async def test_a_failing_job_is_counted_and_runs_again() -> None:
    async def run() -> None:
        raise ValueError("no")

    made, report, faults = scheduler(run)
    await during(made, 0.1)
    assert report.runs == faults.errors >= 2
    assert faults.last_error == "job job: ValueError: no"


async def test_a_cancelled_error_that_strays_in_does_not_end_a_job() -> None:
    async def run() -> None:
        raise asyncio.CancelledError

    made, _, faults = scheduler(run)
    await during(made, 0.1)
    assert faults.errors >= 2


async def test_a_run_that_takes_too_long_is_not_overlapped_and_its_ticks_are_skipped() -> None:
    at_once = most = 0

    async def run() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.08)
        at_once -= 1

    made, report, _ = scheduler(run)
    await during(made, 0.26)
    assert most == 1
    assert report.skipped >= 2


def hook(function: Callable[[], Any]) -> Any:
    return SimpleNamespace(function=function, plugin_name="mine", argnames=())


def test_what_is_no_job_is_refused_by_the_plugins_name() -> None:
    with pytest.raises(PluginError, match=r"'mine'.*str, not a Job"):
        collected([hook(lambda: ["job"])])
    assert collected([hook(lambda: None), hook(list)]) == []


def test_a_plugin_that_fails_while_it_names_its_jobs_is_named() -> None:
    def jobs() -> Any:
        yield Job(name="report", run=print, every=timedelta(seconds=-1))  # type: ignore[arg-type]

    with pytest.raises(PluginError, match=r"plugin 'mine' failed in schedule: ValueError: job 'report': every"):
        collected([hook(jobs)])


def test_one_that_is_never_due_is_refused_by_the_plugins_name() -> None:
    async def run() -> None: ...

    with pytest.raises(
        PluginError, match=r"plugin 'mine': job 'report': '99 \* \* \* \*' in the zone 'UTC' is no time"
    ):
        collected([hook(lambda: [Job(name="report", run=run, cron="99 * * * *")])])


async def test_a_job_is_told_the_tick_if_it_asks() -> None:
    ticks: list[Tick] = []

    async def run(tick: Tick) -> None:
        ticks.append(tick)

    made, _, _ = scheduler(run)
    await during(made, 0.05)
    assert abs(ticks[0].due - datetime.now(UTC)) < timedelta(seconds=5)
    assert ticks[0].fence == 0


async def test_a_crontab_line_is_kept_by_the_clock_on_the_wall() -> None:
    ticks: list[Tick] = []

    async def run(tick: Tick) -> None:
        ticks.append(tick)

    began, offset = asyncio.get_running_loop().time(), datetime(2026, 11, 29, 7, 59, 59, 900_000, tzinfo=UTC)
    faults = Faults("mine")
    made = Scheduler(
        [("mine", Job(name="job", run=run, cron="0 8 * * *"))],
        {"mine": faults},
        lambda: offset + timedelta(seconds=asyncio.get_running_loop().time() - began),
    )
    await during(made, 0.2)
    assert [tick.due for tick in ticks] == [datetime(2026, 11, 29, 8, tzinfo=UTC)]


OFTEN = timedelta(milliseconds=100)


class Clocks:
    """A clock that a test sets; it goes on by itself."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def sqlite_database(sqlite_url: str, tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(sqlite_url)
    upgrade(storage, tmp_path / "migrations.lock")
    yield storage
    storage.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def clustered(
    storage: Storage, run: Any, clock: Callable[[], datetime] | None = None, **job: Any
) -> AsyncIterator[tuple[Scheduler, Run]]:
    given = Job(name="job", run=run, scope="cluster", **{"every": OFTEN, **job})
    made = Scheduler([("mine", given)], {"mine": Faults("mine")}, clock or (lambda: datetime.now(UTC)))
    await made.start(storage)
    try:
        yield made, made.jobs["mine.job"].run
    finally:
        await made.stop()
        while storage._running:
            # What was begun when it stopped ends in its thread, before the test closes the database.
            await asyncio.sleep(0.01)


async def test_of_several_processes_one_runs_each_tick(each_database: Storage) -> None:
    ticks: list[Tick] = []

    async def run(tick: Tick) -> None:
        ticks.append(tick)

    async with clustered(each_database, run), clustered(each_database, run), clustered(each_database, run):
        await until(lambda: len(ticks) >= 4)
    assert len({tick.due for tick in ticks}) == len(ticks), "none twice"
    assert [tick.fence for tick in sorted(ticks, key=lambda tick: tick.due)] == list(range(1, len(ticks) + 1))


async def test_a_long_run_is_not_overlapped_by_another_process(each_database: Storage) -> None:
    at_once = most = ended = 0

    async def run() -> None:
        nonlocal at_once, most, ended
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.35)
        at_once -= 1
        ended += 1

    async with clustered(each_database, run) as (_, one), clustered(each_database, run) as (_, other):
        await until(lambda: ended >= 2 and one.skipped + other.skipped > 0)
    assert most == 1


async def test_a_run_that_fails_is_over_and_the_next_comes(each_database: Storage) -> None:
    async def run() -> None:
        raise ValueError("no")

    async with clustered(each_database, run) as (_, report):
        await until(lambda: report.runs >= 2)
        lease = Lease(each_database, "mine.job", "reader")
        async with asyncio.timeout(15):
            # Between two runs, of which there is one now and then.
            while (found := (await lease.look()).state) is None or not found.done:
                await asyncio.sleep(0.01)
    assert report.last_error == found.error == "ValueError"


async def test_the_tick_of_a_stopped_process_is_run_anew_at_once(each_database: Storage) -> None:
    """A longer interval than the test: what runs again is that tick."""
    began = asyncio.Event()
    ticks: list[Tick] = []

    async def never_ends(tick: Tick) -> None:
        ticks.append(tick)
        began.set()
        await asyncio.sleep(60)

    async def ends(tick: Tick) -> None:
        ticks.append(tick)
        began.set()

    rare = timedelta(seconds=3)
    async with clustered(each_database, never_ends, every=rare):
        await asyncio.wait_for(began.wait(), 5)
    began.clear()
    async with clustered(each_database, ends, every=rare):
        await asyncio.wait_for(began.wait(), 5)
    assert ticks[0].due == ticks[1].due
    assert (ticks[0].fence, ticks[1].fence) == (1, 2)


async def test_a_wrong_clock_of_one_process_makes_no_difference(each_database: Storage) -> None:
    ticks: list[Tick] = []

    async def run(tick: Tick) -> None:
        ticks.append(tick)

    fast = Clocks()
    fast.ahead = timedelta(hours=1)
    async with clustered(each_database, run, fast):
        await until(lambda: len(ticks) >= 2)
    async with clustered(each_database, run):
        await until(lambda: len(ticks) >= 4)
    assert all(abs(tick.due - datetime.now(UTC)) < timedelta(seconds=10) for tick in ticks)


async def test_what_is_over_is_told_also_when_the_database_was_away(sqlite_database: Storage) -> None:
    class Flaky(Storage):
        failures = 3

        async def write(self, work: Any, *, patient: bool = False) -> Any:
            if ended and self.failures:
                self.failures -= 1
                raise Unavailable("away")
            return await sqlite_database.write(work)

        async def read(self, work: Any, *, patient: bool = False, seconds: float | None = None) -> Any:
            return await sqlite_database.read(work)

    ended: list[Tick] = []

    async def run(tick: Tick) -> None:
        ended.append(tick)

    async with clustered(Flaky("sqlite://"), run, every=timedelta(seconds=1)):
        await until(lambda: len(ended) >= 2)
    assert len({tick.due for tick in ended}) == len(ended)


async def test_what_nobody_ran_is_made_good_for_once_unless_it_is_long_ago(each_database: Storage) -> None:
    ran = asyncio.Event()
    ticks: list[Tick] = []

    async def run(tick: Tick) -> None:
        ticks.append(tick)
        ran.set()

    minute = timedelta(minutes=1)
    lease = Lease(each_database, "mine.job", "me")
    fence = await lease.claim(datetime.now(UTC) - timedelta(hours=5))
    assert fence == 1
    await lease.finish(fence, 0.1, None)
    async with clustered(each_database, run, every=minute * 60, grace=timedelta(0)):
        await asyncio.sleep(0.1)
    assert ticks == []
    async with clustered(each_database, run, every=minute * 60):
        await asyncio.wait_for(ran.wait(), 5)
    async with clustered(each_database, run, every=minute * 60):
        await asyncio.sleep(0.1)
    assert [tick.fence for tick in ticks] == [2], "the last of them, and once"


async def test_a_run_that_lost_its_lease_is_stopped(each_database: Storage) -> None:
    began, stopped = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    async with clustered(each_database, run):
        await asyncio.wait_for(began.wait(), 5)
        await each_database.write(lambda connection: connection.execute(update(JOBS).values(fence=99)))
        await asyncio.wait_for(stopped.wait(), 5)


async def test_out_of_turn_it_runs_unless_it_is_running(each_database: Storage) -> None:
    release, began = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        began.set()
        await release.wait()

    async with (
        clustered(each_database, run, every=timedelta(days=1)) as (one, report),
        clustered(each_database, run, every=timedelta(days=1)) as (other, _),
    ):
        first = asyncio.create_task(one.run_now(one.jobs["mine.job"]))
        await asyncio.wait_for(began.wait(), 5)
        assert not await one.run_now(one.jobs["mine.job"])
        assert not await other.run_now(other.jobs["mine.job"])
        release.set()
        assert await first
        assert await other.run_now(other.jobs["mine.job"])
    assert report.runs == 1


async def test_a_mistake_of_the_schedulers_own_is_told() -> None:
    async def run() -> None: ...

    def broken() -> datetime:
        raise RuntimeError("no clock")

    faults = Faults("mine")
    made = Scheduler([("mine", Job(name="job", run=run, cron="* * * * *"))], {"mine": faults}, broken)
    await during(made, 0.02)
    assert faults.errors == 1
