"""SQLite holds: one process writes while others read, several may write, and a writer may be killed at any time."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cognitude_plugins.gateway.storage.database import Storage

BATCH = 200
LARGE = 40_000
"""More rows than SQLite keeps in memory (2 MB): they are written to the disk before they are committed."""
PROGRAM = """
import asyncio, sys, time
from sqlalchemy import text
from cognitude_plugins.gateway.storage.database import Storage

url, role, seconds, tasks, batch = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
storage = Storage(url)
until = time.monotonic() + seconds

def add(connection):
    start = connection.execute(text("SELECT coalesce(max(id), 0) FROM one")).scalar_one()
    rows = [{"id": start + n, "word": "x" * 200} for n in range(1, batch + 1)]
    connection.execute(text("INSERT INTO one VALUES (:id, :word)"), rows)
    connection.execute(text(f"UPDATE total SET rows = rows + {batch}"))
    return start + batch

def look(connection):
    last = connection.execute(text("SELECT max(id) FROM one")).scalar_one() or 0
    time.sleep(0.002)
    total = connection.execute(text("SELECT rows FROM total")).scalar_one()
    assert last == total, f"a read saw half a transaction: {last} and {total}"
    return last

async def work():
    done = 0
    while time.monotonic() < until:
        if role == "write":
            print(await storage.write(add), flush=True)
        else:
            await storage.read(look)
        done += 1
    return done

async def main():
    print("done", sum(await asyncio.gather(*(work() for _ in range(tasks)))))

asyncio.run(main())
storage.close()
"""


@pytest.fixture
def url(sqlite_url: str) -> str:
    storage = Storage(sqlite_url)

    def make(connection: Any) -> None:
        connection.execute(text("CREATE TABLE one (id INTEGER PRIMARY KEY, word TEXT)"))
        connection.execute(text("CREATE TABLE total (rows INTEGER)"))
        connection.execute(text("INSERT INTO total VALUES (0)"))

    storage.write_now(make)
    storage.close()
    return sqlite_url


def started(url: str, role: str, seconds: float, tasks: int = 1, batch: int = BATCH) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, url, role, str(seconds), str(tasks), str(batch)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> list[str]:
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    return output.split()


def one_writes_and_eight_read(url: str, seconds: float, processes: int) -> None:
    writer = started(url, "write", seconds)
    readers = [started(url, "read", seconds, 8 // processes) for _ in range(processes)]
    written = ended(writer)
    read = [int(ended(one)[1]) for one in readers]
    assert len(written) > 5 * seconds, "transactions of the writer"
    assert min(read) > 10 * seconds, "transactions of the readers"
    assert_whole(url, at_least=int(written[-3]))


def assert_whole(url: str, at_least: int, batch: int = BATCH) -> None:
    storage = Storage(url)
    assert storage.read_now(lambda one: one.execute(text("PRAGMA integrity_check")).scalars().all()) == ["ok"]
    last, total, rows = storage.read_now(
        lambda one: one.execute(text("SELECT max(id), (SELECT rows FROM total), count(*) FROM one")).one()
    )
    storage.close()
    assert last == total == rows
    assert rows % batch == 0
    assert rows >= at_least, "what was committed is there"


def test_one_process_writes_while_others_read(url: str) -> None:
    one_writes_and_eight_read(url, 2.0, 2)


@pytest.mark.soak
def test_one_process_writes_while_eight_read_for_half_a_minute(url: str) -> None:
    one_writes_and_eight_read(url, 30.0, 8)


def test_processes_that_write_at_once_wait_for_each_other(url: str) -> None:
    writers = [started(url, "write", 1.5) for _ in range(3)]
    done = [int(ended(one)[-1]) for one in writers]
    assert min(done) > 0
    storage = Storage(url)
    assert storage.read_now(lambda one: one.execute(text("SELECT rows FROM total")).scalar_one()) == sum(done) * BATCH
    storage.close()


def killed(url: str, times: int) -> None:
    """A writer killed in the middle of whatever it does, again and again."""
    for _ in range(times):
        process = started(url, "write", 60.0, batch=LARGE)
        assert process.stdout is not None
        committed = int(process.stdout.readline())
        time.sleep(random.uniform(0.05, 0.3))
        process.kill()
        rest = process.communicate()[0].split()
        assert_whole(url, max([committed, *map(int, rest[:-1])]), LARGE)


def test_a_writer_that_is_killed_leaves_a_whole_database(url: str) -> None:
    killed(url, 3)


@pytest.mark.soak
def test_a_writer_that_is_killed_twenty_times_leaves_a_whole_database(url: str) -> None:
    killed(url, 20)


def test_processes_that_make_the_database_at_once_all_can(tmp_path: Path) -> None:
    """The first change to write-ahead logging locks the file, and SQLite does not wait for that by itself."""
    program = (
        "import sys, time\nfrom sqlalchemy import text\n"
        "from cognitude_plugins.gateway.storage.database import Storage\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for number in range(20):\n"
        "    storage = Storage(f'sqlite:///{sys.argv[1]}/{number}.db')\n"
        "    storage.read_now(lambda one: one.execute(text('SELECT 1')).scalar_one())\n"
        "    storage.close()\n"
    )
    with ExitStack() as stack:
        command = [sys.executable, "-c", program, str(tmp_path)]
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
            )
            for _ in range(4)
        ]
        for one in processes:
            assert one.stdout is not None
            one.stdout.readline()
        for one in processes:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        assert [one.communicate(timeout=60)[1] for one in processes] == [""] * 4
    assert len([name for name in os.listdir(tmp_path) if name.endswith(".db")]) == 20


def test_a_second_storage_in_a_process_does_not_take_the_locks_of_the_first(tmp_path: Path) -> None:
    """As after a reload with other settings. Without its locks the next process to leave deletes the WAL under it, and
    what it commits from then on is lost."""
    url, file = f"sqlite:///{tmp_path / 'one.db'}", str(tmp_path / "one.db")
    count = "SELECT count(*) FROM one"
    asked = f"import sqlite3; c = sqlite3.connect({file!r}); print(c.execute({count!r}).fetchone()[0]); c.close()"

    def another_process() -> str:
        return subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()

    with ExitStack() as stack:
        first, second = Storage(url), Storage(url)
        stack.callback(first.close)
        stack.callback(second.close)
        first.write_now(lambda connection: connection.execute(text("CREATE TABLE one (id BIGINT)")) and None)
        assert second.engine.dialect.name == "sqlite"
        assert another_process() == "0"
        first.write_now(lambda connection: connection.execute(text("INSERT INTO one VALUES (1)")) and None)
        assert another_process() == "1"
