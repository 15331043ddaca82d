"""The writer: everything in the journal is in the database, once, whoever dies or is away meanwhile."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from cognitude_plugins.gateway.ledger.frames import frame
from cognitude_plugins.gateway.ledger.lock import WriterLock
from cognitude_plugins.gateway.ledger.segments import segments
from cognitude_plugins.gateway.ledger.writer import Writer
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade
from tests.databases import Postgres
from tests.gateway.ledger.book import RETENTION, assert_exact, random_rows, row, stored_rows, write_segment

RUN = """
import asyncio, sys
from pathlib import Path
from cognitude_plugins.gateway.ledger.writer import Writer
from cognitude_plugins.gateway.service_settings import Retention
from cognitude_plugins.gateway.storage.database import Storage

asyncio.run(Writer(Storage(sys.argv[1]), Path(sys.argv[2]), Retention()).run())
"""


@asynccontextmanager
async def running(writer: Writer) -> AsyncIterator[Writer]:
    task = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come to that"
        await asyncio.sleep(0.02)
    return time.monotonic() - started


async def test_what_is_left_by_others_is_written_and_their_files_are_removed(
    each_database: Storage, tmp_path: Path
) -> None:
    rows = random_rows(900, 1)
    for start in range(0, 900, 300):
        write_segment(tmp_path / "journal", rows[start : start + 300])
    writer = Writer(each_database, tmp_path / "journal", RETENTION)
    assert await writer.drain(10)
    assert_exact(each_database, rows)
    assert segments(tmp_path / "journal") == []
    assert writer.status() == {
        "status": "ok",
        "writing": False,
        "lag_seconds": 0.0,
        "written_rows": 900,
        "known_rows": 0,
        "expired_rows": 0,
        "refused_rows": 0,
    }


async def test_rows_are_written_while_the_segment_grows_and_it_stays_while_its_owner_is_there(
    each_database: Storage, tmp_path: Path
) -> None:
    rows = random_rows(60, 2)
    segment = write_segment(tmp_path, rows[:20], leave=False)
    async with running(Writer(each_database, tmp_path, RETENTION)):
        for place in (20, 40):
            await until(lambda place=place: len(stored_rows(each_database)) == place)  # type: ignore[misc]
            for one in rows[place : place + 20]:
                segment.write(frame(one.encode()))
        await until(lambda: len(stored_rows(each_database)) == 60)
        assert segments(tmp_path) == [segment.path]
        segment.close()
        await until(lambda: segments(tmp_path) == [])
    assert_exact(each_database, rows)


async def test_lines_that_are_no_rows_are_set_aside_and_hold_up_nothing(each_database: Storage, tmp_path: Path) -> None:
    bad = row("bad").encode().replace(b'"status":200', b'"status":18446744073709551615')
    write_segment(tmp_path, [row("a"), b'{"no": "row"}', bad, row("b", user="nul\x00")])
    writer = Writer(each_database, tmp_path, RETENTION)
    assert await writer.drain(10)
    assert [(one["id"], one["user"]) for one in stored_rows(each_database)] == [("a", None), ("b", "nul\ufffd")]
    assert writer.status()["refused_rows"] == 2
    [kept] = list((tmp_path / "corrupt").iterdir())
    assert kept.read_bytes().splitlines() == [b'{"no": "row"}', bad]


async def test_a_segment_that_comes_back_changes_nothing_also_when_its_rows_are_gone(
    each_database: Storage, tmp_path: Path
) -> None:
    rows = random_rows(100, 3)
    path = write_segment(tmp_path / "journal", rows).path
    shutil.copy(path, tmp_path / "kept")
    writer = Writer(each_database, tmp_path / "journal", RETENTION)
    assert await writer.drain(10)
    shutil.copy(tmp_path / "kept", path)
    assert await writer.drain(10)
    assert segments(tmp_path / "journal") == []
    assert_exact(each_database, rows)
    each_database.write_now(lambda c: c.execute(text("DELETE FROM ledger_call")))
    shutil.copy(tmp_path / "kept", path)
    assert await Writer(each_database, tmp_path / "journal", RETENTION).drain(10)
    assert stored_rows(each_database) == []
    assert segments(tmp_path / "journal") == []


async def test_one_of_two_writes_and_the_other_takes_over(each_database: Storage, tmp_path: Path) -> None:
    first, second = Writer(each_database, tmp_path, RETENTION), Writer(each_database, tmp_path, RETENTION)
    async with running(second):
        async with running(first):
            await until(lambda: first.status()["writing"] or second.status()["writing"])
            await asyncio.sleep(0.6)
            assert first.status()["writing"] != second.status()["writing"]
        await until(lambda: bool(second.status()["writing"]), seconds=1.5)
        write_segment(tmp_path, [row()])
        await until(lambda: len(stored_rows(each_database)) == 1)


async def test_who_does_not_write_knows_the_lag_and_waits_for_the_other_to_drain(
    each_database: Storage, tmp_path: Path
) -> None:
    lock = WriterLock(tmp_path)
    assert lock.acquire()
    write_segment(tmp_path, [row(time_ms=round(time.time() * 1000) - 60_000)])
    waiting = Writer(each_database, tmp_path, RETENTION)
    assert not await waiting.drain(0.3)
    assert 60 <= waiting.lag_seconds < 70
    assert waiting.status()["status"] == "degraded"
    lock.release()
    async with running(Writer(each_database, tmp_path, RETENTION)):
        assert await waiting.drain(10)
    assert_exact(each_database, [row()])


async def test_several_machines_write_into_one_database(each_database: Storage, tmp_path: Path) -> None:
    """Of the same organizations and minutes, at the same time: no sum and no sketch is overwritten."""
    rows = random_rows(1_200, 7, span=120_000)
    writers = [Writer(each_database, tmp_path / name, RETENTION, most_rows=50) for name in "abc"]
    for place in range(0, 1_200, 50):
        write_segment(tmp_path / "abc"[place // 50 % 3], rows[place : place + 50])
    assert all(await asyncio.gather(*(writer.drain(30) for writer in writers)))
    assert_exact(each_database, rows)


async def test_postgresql_may_be_away_for_a_while(
    postgres: Postgres, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is lost, the lag tells, and what has piled up is written within five seconds."""
    with postgres.fresh() as url:
        storage = Storage(url)
        upgrade(storage, tmp_path / "lock")
        rows = random_rows(5_000, 4)
        writer = Writer(storage, tmp_path / "journal", RETENTION)
        async with running(writer):
            write_segment(tmp_path / "journal", rows[:50])
            await until(lambda: writer.status()["written_rows"] == 50)
            postgres.kill()
            try:
                for start in range(50, 5_000, 990):
                    write_segment(tmp_path / "journal", rows[start : start + 990])
                await until(lambda: "the database cannot be used" in caplog.text)
                await until(lambda: writer.status()["status"] == "degraded")
                assert writer.lag_seconds > 0
            finally:
                postgres.start()
            await until(lambda: writer.status()["written_rows"] == 5_000, seconds=5)
            await until(lambda: writer.status()["status"] == "ok")
        assert_exact(storage, rows)
        storage.close()


async def test_a_database_that_is_frozen_is_given_up_and_asked_again(postgres: Postgres, tmp_path: Path) -> None:
    with postgres.fresh() as url:
        storage = Storage(url, timeout=0.5)
        upgrade(storage, tmp_path / "lock")
        rows = random_rows(40, 5)
        writer = Writer(storage, tmp_path / "journal", RETENTION)
        async with running(writer):
            await until(lambda: bool(writer.status()["writing"]))
            with postgres.frozen():
                write_segment(tmp_path / "journal", rows)
                await until(lambda: writer.status()["status"] == "degraded")
            await until(lambda: writer.status()["written_rows"] == 40)
        assert_exact(storage, rows)
        storage.close()


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(3, 13))])
def test_a_writer_may_be_killed_at_any_moment(database_url: str, tmp_path: Path, seed: int) -> None:
    """While rows are appended; the next one goes on where the database says, and no row is lost or counted twice."""
    storage = Storage(database_url)
    upgrade(storage, tmp_path / "lock")
    dice, rows, folder = random.Random(seed), random_rows(3_000, seed), tmp_path / "journal"
    pieces = [rows[start : start + 150] for start in range(0, 3_000, 150)]
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", RUN, database_url, str(folder)])
        deadline = time.monotonic() + 0.7 + dice.random()
        while time.monotonic() < deadline:
            if pieces:
                write_segment(folder, pieces.pop(), leave=dice.random() < 0.9)
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    for piece in pieces:
        write_segment(folder, piece)
    assert asyncio.run(Writer(storage, folder, RETENTION).drain(30))
    assert_exact(storage, rows)
    storage.close()


async def test_a_table_that_is_missing_is_waited_for(
    each_database: Storage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    each_database.write_now(lambda c: c.execute(text("ALTER TABLE ledger_hour RENAME TO elsewhere")))
    write_segment(tmp_path, [row()])
    writer = Writer(each_database, tmp_path, RETENTION)
    async with running(writer):
        await until(lambda: "ledger_hour" in caplog.text)
        assert writer.status()["status"] == "degraded"
        assert "INSERT" not in caplog.text
        assert stored_rows(each_database) == []
        each_database.write_now(lambda c: c.execute(text("ALTER TABLE elsewhere RENAME TO ledger_hour")))
        await until(lambda: writer.status()["written_rows"] == 1)
    assert_exact(each_database, [row()])


async def test_a_folder_that_cannot_be_written_is_said_and_not_the_end(each_database: Storage, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    writer = Writer(each_database, tmp_path / "journal", RETENTION)
    async with running(writer):
        await until(lambda: writer.status()["status"] == "degraded")
        (tmp_path / "journal").unlink()
        await until(lambda: writer.status()["status"] == "ok")
        assert writer.status()["writing"]
