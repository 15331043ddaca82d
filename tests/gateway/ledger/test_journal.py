"""The journal is bounded and tolerant: what was promised is read back, and a disk that refuses is no crash."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import pytest

from cognitude_plugins.gateway.ledger.journal import Journal, JournalError, JournalFull
from cognitude_plugins.gateway.ledger.segments import finished, mark_consumed, read_batch, remove, segments
from tests.gateway.ledger.refusing import ROOT, child, small_disk_prefix

MIB = 1_048_576
PADDING = "x" * 180


def record(number: int) -> bytes:
    return b'{"n":%d,"padding":"%b"}' % (number, PADDING.encode())


@contextmanager
def opened(
    folder: Path, limit: int = 64 * MIB, on_full: Literal["drop_oldest", "reject"] = "drop_oldest", **options: Any
) -> Iterator[Journal]:
    journal = Journal(folder, limit_bytes=limit, on_full=on_full, **options)
    journal.open()
    yield journal
    journal.close()


def numbers(folder: Path) -> list[int]:
    """Of every record in the journal, segment by segment."""
    found: list[int] = []
    for path in segments(folder):
        end = 0
        while (batch := read_batch(path, end)).end != end:
            found += [json.loads(one)["n"] for one in batch.records]
            end = batch.end
    return found


def take_size(folder: Path) -> int:
    return sum(map(size_of, segments(folder)))


def size_of(path: Path) -> int:
    """0 when it was given up meanwhile."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def consume(folder: Path) -> list[int]:
    """What the writer does: read everything, note it, delete what its owner has left."""
    found = numbers(folder)
    for path in segments(folder):
        end = path.stat().st_size
        mark_consumed(path, end)
        remove(path, end)
    return found


def eventually(true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def test_building_a_journal_touches_no_file(tmp_path: Path) -> None:
    Journal(tmp_path / "journal", limit_bytes=MIB, on_full="reject", durability="disk").close()
    assert list(tmp_path.iterdir()) == []


def test_a_row_is_in_its_file_when_append_returns(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        assert journal.append(record(1)) is None
        assert numbers(tmp_path) == [1]


async def test_with_durability_disk_there_is_something_to_await(tmp_path: Path) -> None:
    with opened(tmp_path, durability="disk") as journal:
        confirmed = journal.append(record(1))
        assert confirmed is not None
        await confirmed
        assert numbers(tmp_path) == [1]


async def test_rows_are_confirmed_over_the_change_of_segments(tmp_path: Path) -> None:
    with opened(tmp_path, durability="disk", segment_bytes=16_384) as journal:
        waiting = [journal.append(record(number)) for number in range(1000)]
        for confirmed in waiting:
            assert confirmed is not None
            await confirmed
    assert len(segments(tmp_path)) > 10
    assert numbers(tmp_path) == list(range(1000))


def test_segments_follow_each_other_and_only_the_last_is_held(tmp_path: Path) -> None:
    with opened(tmp_path, segment_bytes=16_384) as journal:
        for number in range(1000):
            journal.append(record(number))
        assert [finished(path) for path in segments(tmp_path)][-2:] == [True, False]
        assert max(path.stat().st_size for path in segments(tmp_path)) <= 16_384 + 300
    assert all(map(finished, segments(tmp_path)))
    assert numbers(tmp_path) == list(range(1000))


def test_a_record_that_could_not_be_read_back_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as journal, pytest.raises(ValueError, match="one line"):
        journal.append(b"two\nlines")


def test_after_closing_rows_are_counted_as_lost_or_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "drop") as dropping, opened(tmp_path / "reject", on_full="reject") as rejecting:
        pass
    dropping.append(record(1))
    assert dropping.lost == 1
    with pytest.raises(JournalFull, match="closed"):
        rejecting.append(record(1))


# Processes

APPENDING = """
import json, os, sys
from pathlib import Path
from cognitude_plugins.gateway.ledger.journal import Journal
journal = Journal(Path(sys.argv[1]), limit_bytes=1 << 30, on_full="reject", segment_bytes=65_536)
journal.open()
start, most = int(sys.argv[2]), int(sys.argv[3])
for number in range(start, start + most):
    journal.append(b'{"n":%d,"padding":"%b"}' % (number, b"x" * 180))
    os.write(1, b"%d\\n" % number)
journal.close()
"""


def appending(folder: Path, start: int, most: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", APPENDING, str(folder), str(start), str(most)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT)},
    )


def test_a_killed_process_loses_no_row_it_was_told_is_written(tmp_path: Path) -> None:
    """Twenty kills, each at another moment of a loop of appends."""
    for kill in range(20):
        folder = tmp_path / str(kill)
        with appending(folder, 0, 10_000_000) as process:
            assert process.stdout is not None
            told = [process.stdout.readline() for _ in range(10)]
            time.sleep(0.003 * kill)
            process.kill()
            told += process.stdout.readlines()
        last = max(int(line) for line in told if line.endswith(b"\n"))
        found = numbers(folder)
        assert found == list(range(len(found)))
        assert len(found) - 1 in (last, last + 1)
        assert all(map(finished, segments(folder)))


def test_two_processes_append_while_one_reads_and_deletes(tmp_path: Path) -> None:
    found: list[int] = []
    ends: dict[Path, int] = {}
    with appending(tmp_path, 0, 5000) as one, appending(tmp_path, 5000, 5000) as other:
        deadline = time.monotonic() + 60
        while len(found) < 10_000 or segments(tmp_path):
            assert time.monotonic() < deadline
            for path in segments(tmp_path):
                batch = read_batch(path, ends.get(path, 0))
                assert batch.corrupt == []
                found += [json.loads(line)["n"] for line in batch.records]
                ends[path] = batch.end
                mark_consumed(path, batch.end)
                remove(path, batch.end)
        for process in (one, other):
            process.communicate()
            assert process.returncode == 0
    assert sorted(found) == list(range(10_000))
    assert [number for number in found if number < 5000] == list(range(5000))


# The limit


def test_drop_oldest_keeps_the_newest_within_the_limit_and_counts_what_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path, MIB, look_seconds=60) as journal:
        for number in range(20_000):
            assert journal.append(record(number)) is None
            if number % 200 == 0:
                assert take_size(tmp_path) <= MIB
        kept = numbers(tmp_path)
        assert kept == list(range(20_000 - len(kept), 20_000))
        assert journal.lost == 20_000 - len(kept)
        assert take_size(tmp_path) > MIB * 0.9
        assert not journal.full
        assert journal.status()["full"]
    assert len([one for one in caplog.records if one.levelno >= logging.ERROR]) == 1


def test_something_in_the_way_that_cannot_be_deleted_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "0000000000000000-00.journal").mkdir()
    with opened(tmp_path, MIB, look_seconds=0.02) as journal:
        for number in range(10_000):
            journal.append(record(number))
        assert len(segments(tmp_path)) > 10
        assert 0 < journal.lost < 10_000
        first = journal.lost
        eventually(lambda: journal.status()["segments"] > 0)
        while journal.lost == first:
            journal.append(record(1))


def test_what_is_in_the_database_is_not_lost(tmp_path: Path) -> None:
    with opened(tmp_path, MIB, look_seconds=60) as journal:
        number = 0
        while journal.lost == 0:
            for path in segments(tmp_path)[:3]:
                mark_consumed(path, size_of(path))
            journal.append(record(number))
            number += 1
        first = numbers(tmp_path)[0]
        assert journal.lost < first


def test_a_segment_another_process_is_writing_is_not_taken_from_it(tmp_path: Path) -> None:
    with opened(tmp_path, MIB) as other, opened(tmp_path, MIB) as journal:
        other.append(record(-1))
        for number in range(10_000):
            journal.append(record(number))
        other.append(record(-2))
        assert [number for number in numbers(tmp_path) if number < 0] == [-1, -2]


def test_when_there_is_only_the_own_segment_it_goes(tmp_path: Path) -> None:
    with opened(tmp_path, 8_000) as journal:
        for number in range(1000):
            journal.append(record(number))
            assert take_size(tmp_path) < 13_000
        kept = numbers(tmp_path)
        assert journal.lost + len(kept) == 1000
        assert kept[-1:] == [999]


def test_reject_is_full_before_the_limit_and_records_what_is_in_flight(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    headroom = 200_000
    with opened(tmp_path, MIB, "reject", headroom_bytes=headroom, look_seconds=0.05) as journal:
        written = 0
        while not journal.full:
            journal.append(record(written))
            written += 1
        assert MIB - headroom - 300 <= take_size(tmp_path) <= MIB - headroom + 600
        in_flight = headroom // len(record(written)) * 9 // 10
        for _ in range(in_flight):
            journal.append(record(written))
            written += 1
        with suppress(JournalFull):
            for _ in range(10_000):
                journal.append(record(written))
                written += 1
        with pytest.raises(JournalFull, match="1048576 bytes"):
            journal.append(record(written))
        assert MIB - 600 <= take_size(tmp_path) <= MIB
        assert consume(tmp_path) == list(range(written))
        assert journal.lost == 0
        eventually(lambda: not journal.full)
        journal.append(record(written))
        assert numbers(tmp_path)[-1] == written
    assert [one.levelname for one in caplog.records] == ["ERROR", "WARNING"]


def test_a_journal_that_is_read_is_not_full_for_what_its_owners_hold(tmp_path: Path) -> None:
    """Segments that are read, but held, would block the calls that could replace them."""
    with ExitStack() as stack:
        options: Any = {"headroom_bytes": 950_000, "look_seconds": 0.05}
        journals = [stack.enter_context(opened(tmp_path, MIB, "reject", **options)) for _ in range(10)]
        for _ in range(70):
            for journal in journals:
                journal.append(record(1))
        eventually(lambda: all(journal.full for journal in journals))
        for path in segments(tmp_path):
            mark_consumed(path, path.stat().st_size)
            assert not remove(path, path.stat().st_size)
        eventually(lambda: not any(journal.full for journal in journals))


def test_what_other_processes_have_waiting_counts(tmp_path: Path) -> None:
    with opened(tmp_path, MIB, "reject") as other, opened(tmp_path, MIB, "reject", look_seconds=0.05) as journal:
        while not other.full:
            other.append(record(1))
        eventually(lambda: journal.full)
        eventually(lambda: journal.status()["waiting_bytes"] == take_size(tmp_path))
        assert journal.status()["segments"] == len(segments(tmp_path))


# A disk that refuses

each_policy = pytest.mark.parametrize("policy", ["drop_oldest", "reject"])


@each_policy
def test_a_folder_that_cannot_be_made_is_said_at_the_start(tmp_path: Path, policy: Any) -> None:
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / "journal", limit_bytes=MIB, on_full=policy)
    with pytest.raises(JournalError, match="cannot be written: Not a directory"):
        journal.open()
    journal.close()


@pytest.mark.parametrize("durability", ["process", "disk"])
async def test_a_folder_that_is_deleted_is_made_again(
    tmp_path: Path, durability: Any, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "journal"
    with opened(folder, durability=durability, look_seconds=0.02) as journal:
        waiting = [journal.append(record(number)) for number in range(10)]
        await asyncio.gather(*(one for one in waiting if one is not None))
        shutil.rmtree(folder)
        eventually(lambda: journal.lost == 10)
        confirmed = journal.append(record(10))
        if confirmed is not None:
            await confirmed
        assert numbers(folder) == [10]
    assert [one.getMessage() for one in caplog.records] == [
        f"journal {folder}: a segment was deleted while it was written, with 10 rows"
    ]


@each_policy
def test_a_folder_with_a_file_in_its_place_is_trouble_until_it_is_gone(
    tmp_path: Path, policy: Any, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "journal"
    with opened(folder, on_full=policy, look_seconds=0.02) as journal:
        shutil.rmtree(folder)
        folder.touch()
        eventually(lambda: journal.status()["full"])
        assert journal.full == (policy == "reject")
        for number in range(5):
            if policy == "reject":
                with pytest.raises(JournalFull, match="cannot be written"):
                    journal.append(record(number))
            else:
                journal.append(record(number))
        assert journal.lost == (0 if policy == "reject" else 5)
        folder.unlink()
        eventually(lambda: not journal.status()["full"])
        journal.append(record(7))
        assert numbers(folder) == [7]
        eventually(lambda: "in order again" in caplog.text)
    said = [one.getMessage() for one in caplog.records if "was deleted while" not in one.getMessage()]
    assert [message.split(": ")[1].split(";")[0] for message in said] == ["File exists", "in order again"]


FULL_DISK = """
import errno, json, time
from cognitude_plugins.gateway.ledger.journal import Journal, JournalFull
from cognitude_plugins.gateway.ledger.segments import consumed, mark_consumed, read_batch, remove, segments

def record(number):
    return b'{{"n":%d,"padding":"%b"}}' % (number, b"x" * 180)

def numbers():
    found, corrupt = [], 0
    for path in segments(folder):
        end = 0
        while (batch := read_batch(path, end)).end != end:
            found += [json.loads(one)["n"] for one in batch.records]
            corrupt, end = corrupt + len(batch.corrupt), batch.end
    return found, corrupt

def eventually(true):
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)

def append_until(stop, most=100_000):
    global number
    for _ in range(most):
        try:
            journal.append(record(number))
            written.append(number)
        except JournalFull:
            refused.append(number)
        number += 1
        if stop():
            return

journal = Journal(folder, limit_bytes=1 << 30, on_full="{policy}", look_seconds=0.02)
journal.open()
number, written, refused, result = 0, [], [], {{}}
"""


def on_a_full_disk(policy: str, code: str, tmp_path: Path, prefix: list[str] | None = None) -> dict[str, Any]:
    return child(FULL_DISK.format(policy=policy) + code, tmp_path / "journal", prefix=prefix)


@each_policy
def test_a_file_system_that_takes_nothing_more_is_waited_for(tmp_path: Path, policy: str) -> None:
    """Every write of more than 100 bytes is cut short and then refused with EFBIG, in every file, for a while."""
    done = on_a_full_disk(
        policy,
        """
append_until(lambda: len(written) == 500)
files_at_most(100)
before = len(written)
append_until(lambda: number == 600)
time.sleep(0.1)
append_until(lambda: number == 700)
result["full"] = [journal.full, journal.status()["full"]]
result["lost"] = journal.lost
time.sleep(0.1)
files_at_most(None)
eventually(lambda: not journal.status()["full"])
append_until(lambda: number == 1000)
found, corrupt = numbers()
result |= {"found": found, "corrupt": corrupt, "refused": refused, "lost_then": journal.lost}
result["errors"] = journal.status()["write_errors"]
journal.close()
print(json.dumps(result))
""",
        tmp_path,
    )
    gone = list(range(500, 700))
    assert done["found"] == [number for number in range(1000) if number not in gone]
    assert done["corrupt"] == 0
    assert done["full"] == [policy == "reject", True]
    assert done["errors"] >= 1
    assert done["refused"] == (gone if policy == "reject" else [])
    assert (done["lost"], done["lost_then"]) == ((0, 0) if policy == "reject" else (200, 200))
    assert done["log"].count("File too large") == 1


@each_policy
def test_a_disk_without_space_takes_rows_or_refuses_them_as_the_policy_says(tmp_path: Path, policy: str) -> None:
    """ENOSPC for every row from some moment on, whatever is deleted."""
    done = on_a_full_disk(
        policy,
        """
append_until(lambda: len(written) == 500)
refuse("write", errno.ENOSPC, beyond=150)
append_until(lambda: number == 600)
eventually(lambda: journal.status()["full"] and len(numbers()[0]) + len(refused) + journal.lost == 600)
result = {"refused": len(refused), "lost": journal.lost, "full": journal.full}
result["errors"] = journal.status()["write_errors"]
journal.close()
print(json.dumps(result))
""",
        tmp_path,
    )
    assert done["errors"] >= 1
    if policy == "reject":
        assert (done["full"], done["lost"], done["refused"]) == (True, 0, 100)
    else:
        assert (done["full"], done["refused"]) == (False, 0)
        assert done["lost"] >= 100
    assert done["log"].count("No space") == 1


SMALL_DISK = small_disk_prefix()

# Where a process may not mount a disk of its own, the two tests above are what there is.
if SMALL_DISK is not None:

    def test_on_a_full_disk_drop_oldest_keeps_the_newest(tmp_path: Path) -> None:
        done = on_a_full_disk(
            "drop_oldest",
            """
import os
os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
append_until(lambda: number == 30_000)
eventually(lambda: len(numbers()[0]) + journal.lost == number)
found, corrupt = numbers()
result |= {"found": found, "corrupt": corrupt, "lost": journal.lost, "full": journal.full}
for path in segments(folder):
    mark_consumed(path, path.stat().st_size)
    remove(path, path.stat().st_size)
eventually(lambda: not journal.status()["full"])
append_until(lambda: number == 30_100)
result["then"] = [one for one in numbers()[0] if one >= 30_000]
result["lost_then"] = journal.lost
journal.close()
print(json.dumps(result))
""",
            tmp_path,
            SMALL_DISK,
        )
        found = done["found"]
        assert len(found) > 4000
        assert found == list(range(30_000 - len(found), 30_000))
        assert done["corrupt"] == 0
        assert done["lost"] == 30_000 - len(found)
        assert done["then"] == list(range(30_000, 30_100))
        assert done["lost_then"] == done["lost"]
        assert not done["full"]

    def test_on_a_full_disk_reject_records_what_was_in_flight_and_goes_on_when_there_is_space(tmp_path: Path) -> None:
        done = on_a_full_disk(
            "reject",
            """
append_until(lambda: journal.full)
in_flight = 230_000 // len(record(number))
end = number + in_flight
append_until(lambda: number == end)
result["refused_in_flight"] = list(refused)
append_until(lambda: number == end + 20_000, 20_000)
found, corrupt = numbers()
result |= {"found": found == written, "written": len(written), "corrupt": corrupt, "refused": len(refused)}
for path in segments(folder):
    mark_consumed(path, path.stat().st_size)
    remove(path, path.stat().st_size)
eventually(lambda: not journal.full)
before = len(refused)
append_until(lambda: number == end + 20_100)
result["then"] = len(refused) - before
result["reserve"] = (folder / "reserve").stat().st_size
journal.close()
print(json.dumps(result))
""",
            tmp_path,
            SMALL_DISK,
        )
        assert done["refused_in_flight"] == []
        assert done["refused"] > 1000
        assert (done["found"], done["corrupt"]) == (True, 0)
        assert done["written"] > 6000
        assert (done["then"], done["reserve"]) == (0, 262_144)

    def test_a_gateway_starts_on_a_full_disk(tmp_path: Path) -> None:
        done = on_a_full_disk(
            "reject",
            """
journal.close()
others = [folder / f"other{each}" for each in range(500)]
try:
    for other in others:
        other.touch()
except OSError as error:
    result["full_disk"] = error.errno == errno.ENOSPC
journal = Journal(folder, limit_bytes=1 << 30, on_full="reject", look_seconds=0.02)
journal.open()
result["full"] = journal.full
for other in others:
    other.unlink(missing_ok=True)
eventually(lambda: not journal.full)
append_until(lambda: number == 10)
result["found"] = numbers()[0]
journal.close()
print(json.dumps(result))
""",
            tmp_path,
            SMALL_DISK,
        )
        assert (done["full_disk"], done["full"]) == (True, True)
        assert done["found"] == list(range(10))
