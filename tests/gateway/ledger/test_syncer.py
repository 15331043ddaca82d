"""Group commit: nobody is told before the disk has confirmed, many share a sync, the loop never waits for one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from cognitude_plugins.gateway.ledger.journal_errors import JournalError
from cognitude_plugins.gateway.ledger.own_segment import Segment
from cognitude_plugins.gateway.ledger.segments import finished
from cognitude_plugins.gateway.ledger.syncer import Syncer
from tests.gateway.ledger.refusing import child


@contextmanager
def watched_syncs(seconds: float = 0.0) -> Iterator[list[tuple[str, float, float]]]:
    """Which syncs the threads started meanwhile made, from when to when; each as slow as a slow disk's."""
    seen: list[tuple[str, float, float]] = []

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        name = getattr(argument, "__name__", "")
        if name not in ("fdatasync", "fsync"):
            return
        if event == "c_call":
            seen.append((name, time.perf_counter(), 0.0))
            time.sleep(seconds)
        elif event == "c_return":
            seen[-1] = (name, seen[-1][1], time.perf_counter())

    threading.setprofile(watch)
    try:
        yield seen
    finally:
        threading.setprofile(None)  # type: ignore[arg-type]


@asynccontextmanager
async def syncer() -> AsyncIterator[Syncer]:
    failed: list[object] = []
    one = Syncer(lambda segment, error: failed.append(error))
    one.start()
    yield one
    one.close()
    assert failed == []


async def test_a_row_is_confirmed_after_a_sync_that_began_after_it_was_written(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path)
    with watched_syncs(0.003) as seen:
        async with syncer() as one:

            async def call(number: int) -> None:
                await asyncio.sleep(number / 2000)
                segment.write(b"x\n")
                wrote = time.perf_counter()
                await one.synced(segment)
                assert any(name == "fdatasync" and wrote <= began and ended for name, began, ended in seen)

            await asyncio.gather(*map(call, range(60)))
    assert [name for name, _, _ in seen].count("fsync") == 2, "the folder and the one above, once for each segment"
    segment.close()


async def test_calls_at_the_same_time_share_a_sync(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path)
    with watched_syncs(0.01) as seen:
        async with syncer() as one:

            async def call() -> None:
                segment.write(b"x\n")
                await one.synced(segment)

            await asyncio.gather(*(call() for _ in range(500)))
    assert 1 <= [name for name, _, _ in seen].count("fdatasync") <= 3
    segment.close()


async def test_the_loop_goes_on_while_the_disk_is_slow(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path)
    with watched_syncs(0.4):
        async with syncer() as one:
            segment.write(b"x\n")
            confirmed = one.synced(segment)
            longest = 0.0
            while not confirmed.done():
                before = time.perf_counter()
                await asyncio.sleep(0.001)
                longest = max(longest, time.perf_counter() - before)
    assert longest < 0.3
    segment.close()


async def test_a_segment_is_closed_after_those_who_wait_for_it(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path)
    with watched_syncs(0.05):
        async with syncer() as one:
            segment.write(b"x\n")
            waiting = [one.synced(segment) for _ in range(3)]
            one.retire(segment)
            await asyncio.gather(*waiting)
    assert finished(segment.path)


async def test_who_has_left_is_not_waited_for(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path)
    with watched_syncs(0.02):
        async with syncer() as one:
            segment.write(b"x\n")
            left, stayed = one.synced(segment), one.synced(segment)
            left.cancel()
            await stayed
    segment.close()


async def test_a_row_the_disk_did_not_confirm_is_an_error(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path)
    segment.write(b"x\n")
    segment.close()
    failed: list[object] = []
    one = Syncer(lambda segment, error: failed.append(segment))
    one.start()
    with pytest.raises(JournalError, match="is not on the disk for certain"):
        await one.synced(segment)
    one.close()
    assert failed == [segment]


def test_a_loop_that_has_ended_is_no_trouble(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path)

    async def leave(one: Syncer) -> None:
        segment.write(b"x\n")
        one.synced(segment)

    with watched_syncs(0.1):
        one = Syncer(lambda segment, error: None)
        one.start()
        asyncio.run(leave(one))
        one.close()
    segment.close()


FAILING_DISK = """
import asyncio, errno, json
from cognitude_plugins.gateway.ledger.journal import Journal, JournalError
from cognitude_plugins.gateway.ledger.segments import read_batch, segments

async def main():
    journal = Journal(folder, durability="disk", limit_bytes=1 << 30, on_full="reject", look_seconds=0.05)
    journal.open()
    await journal.append(b'{"n":0}')
    first = segments(folder)
    refuse("fdatasync", errno.EIO)
    answers = await asyncio.gather(*(journal.append(b'{"n":1}') for _ in range(5)), return_exceptions=True)
    later = await asyncio.gather(journal.append(b'{"n":2}'), return_exceptions=True)
    status, after = journal.status(), segments(folder)
    journal.close()
    print(json.dumps({
        "typed": all(isinstance(one, JournalError) for one in answers + later), "answers": len(answers),
        "errors": status["write_errors"], "new": first[0] != after[-1],
        "records": [len(read_batch(path, 0).records) for path in segments(folder)],
    }))

asyncio.run(main())
"""


def test_after_a_failed_sync_nothing_more_is_trusted_to_that_file(tmp_path: Path) -> None:
    done = child(FAILING_DISK, tmp_path / "journal")
    assert done["typed"]
    assert done["new"]
    assert done["errors"] >= 2
    assert sum(done["records"]) == 7
