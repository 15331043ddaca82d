"""One database of either kind: reads change nothing, an outage is `Unavailable` in time, and passwords stay secret."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from cognitude_plugins.gateway.storage.database import Storage
from hooks import Unavailable
from tests.databases import PASSWORD, Postgres

MAKE = "CREATE TABLE one (id INTEGER PRIMARY KEY, word TEXT)"
ADD = "INSERT INTO one (word) VALUES ('a')"
COUNT = "SELECT count(*) FROM one"


def run(statement: str) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        connection.execute(text(statement))

    return work


def ask(statement: str = "SELECT 1") -> Callable[[Connection], int]:
    return lambda connection: int(connection.execute(text(statement)).scalar_one())


@pytest.fixture
def storage(empty_database: Storage) -> Storage:
    empty_database.write_now(run("CREATE TABLE one (id BIGINT, word TEXT)"))
    return empty_database


@pytest.fixture
def on_postgres(postgres: Postgres) -> Iterator[Storage]:
    """With a timeout of one second, and a connection already made."""
    with postgres.fresh() as url:
        storage = Storage(url, timeout=1.0, pool=2)
        storage.read_now(ask())
        yield storage
        storage.close()


async def test_what_work_returns_is_returned_and_what_it_wrote_is_there(storage: Storage) -> None:
    await storage.write(run(ADD))
    assert await storage.read(ask(COUNT)) == 1


async def test_work_is_never_done_on_the_thread_of_the_event_loop(storage: Storage) -> None:
    here = threading.get_ident()
    assert await storage.read(lambda _: threading.get_ident()) != here
    assert await storage.write(lambda _: threading.get_ident()) != here


async def test_the_loop_goes_on_while_the_database_works(storage: Storage) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.005)
            turns += 1

    counting = asyncio.create_task(count())
    await storage.read(lambda _: time.sleep(0.3))
    counting.cancel()
    assert turns > 20


async def test_what_raises_is_rolled_back(storage: Storage) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text(ADD))
        raise KeyError("of the caller")

    with pytest.raises(KeyError, match="of the caller"):
        await storage.write(work)
    assert await storage.read(ask(COUNT)) == 0


@pytest.mark.parametrize(
    "statement", [ADD, "UPDATE one SET word = 'b'", "DELETE FROM one", "DROP TABLE one", "CREATE TABLE two (id BIGINT)"]
)
async def test_a_read_can_change_nothing(storage: Storage, statement: str) -> None:
    await storage.write(run(ADD))
    with pytest.raises(DBAPIError, match=r"read-?only"):
        await storage.read(run(statement))
    await storage.write(run(ADD))
    assert await storage.read(ask(COUNT)) == 2


async def test_a_wrong_statement_is_no_outage(storage: Storage) -> None:
    with pytest.raises(DBAPIError, match="nowhere"):
        await storage.read(run("SELECT * FROM nowhere"))
    with pytest.raises(DBAPIError, match="nowhere"):
        await storage.write(run("INSERT INTO nowhere VALUES (1)"))


async def test_what_is_written_is_not_in_an_errors_text(storage: Storage) -> None:
    statement, values = text("INSERT INTO one (id, nothing) VALUES (1, :word)"), {"word": "hunter2secret"}
    with pytest.raises(DBAPIError, match="nothing") as raised:
        await storage.write(lambda connection: connection.execute(statement, values))
    assert "hunter2secret" not in "".join(traceback.format_exception(raised.value))


async def test_a_write_whose_caller_has_left_is_done_all_the_same(storage: Storage) -> None:
    begun = threading.Event()

    def slowly(connection: Connection) -> None:
        begun.set()
        time.sleep(0.2)
        connection.execute(text(ADD))

    asking = asyncio.create_task(storage.write(slowly))
    await asyncio.to_thread(begun.wait)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.sleep(0.4)
    assert await storage.read(ask(COUNT)) == 1


async def test_a_full_disk_is_unavailable_and_leaves_what_was_there(sqlite_url: str) -> None:
    storage = Storage(sqlite_url)
    await storage.write(run(MAKE))

    def too_much(connection: Connection) -> None:
        connection.execute(text("PRAGMA max_page_count = 20"))
        connection.execute(text("INSERT INTO one (word) VALUES (zeroblob(1000000))"))

    with pytest.raises(Unavailable, match="full"):
        await storage.write(too_much)
    assert await storage.read(ask(COUNT)) == 0
    storage.close()


async def test_writes_of_many_tasks_all_arrive(storage: Storage) -> None:
    await asyncio.gather(*(storage.write(run(ADD)) for _ in range(50)))
    assert await storage.read(ask(COUNT)) == 50


async def test_after_close_it_can_be_used_again(storage: Storage) -> None:
    await storage.write(run(ADD))
    storage.close()
    assert await storage.read(ask(COUNT)) == 1


async def test_a_read_that_takes_too_long_is_unavailable_in_time(postgres_url: str) -> None:
    storage = Storage(postgres_url, timeout=0.5)
    start = time.monotonic()
    with pytest.raises(Unavailable, match="statement timeout"):
        await storage.read(run("SELECT pg_sleep(30)"))
    assert time.monotonic() - start < 2
    storage.close()


async def test_a_read_of_sqlite_that_takes_too_long_is_stopped(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cognitude_plugins.gateway.storage.engines._BUSY_SECONDS", 1.0)
    monkeypatch.setattr("cognitude_plugins.gateway.storage.engines.GRACE_SECONDS", {"sqlite": 0.0})
    storage = Storage(sqlite_url, timeout=0.5, pool=1)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(Unavailable, match=r"within 0\.5 s"):
        await storage.read(run(endless))
    with pytest.raises(Unavailable, match="interrupted"):
        storage.read_now(run(endless))
    assert await storage.read(ask()) == 1, "the only thread is free again"
    storage.close()


async def test_a_frozen_server_is_unavailable_in_time_and_used_again_when_it_answers(
    on_postgres: Storage, postgres: Postgres
) -> None:
    with postgres.frozen():
        for _ in range(3):  # with a connection that is there, then with none
            start = time.monotonic()
            with pytest.raises(Unavailable):
                await on_postgres.read(ask())
            assert time.monotonic() - start < 1.0 + 0.5 + 0.3
        with pytest.raises(Unavailable):
            await on_postgres.write(run("CREATE TABLE two (id BIGINT)"))
    assert await on_postgres.read(ask()) == 1
    await on_postgres.write(run("CREATE TABLE three (id BIGINT)"))


def test_a_frozen_server_does_not_hold_the_command_line_for_ever(on_postgres: Storage, postgres: Postgres) -> None:
    with postgres.frozen():
        start = time.monotonic()
        with pytest.raises(Unavailable):
            on_postgres.read_now(ask())
        assert time.monotonic() - start < 4


def test_a_process_ends_while_the_server_is_frozen(postgres_url: str, postgres: Postgres) -> None:
    """A thread that waits for the server would be joined at the end of the process."""
    program = (
        "import asyncio, sys\n"
        "from cognitude_plugins.gateway.storage.database import Storage\n"
        "from sqlalchemy import text\n"
        "async def main():\n"
        "    storage = Storage(sys.argv[1], timeout=60)\n"
        "    await storage.read(lambda c: c.execute(text('SELECT 1')).scalar())\n"
        "    print('frozen', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    asking = asyncio.create_task(storage.read(lambda c: c.execute(text('SELECT 1')).scalar()))\n"
        "    await asyncio.sleep(0.3)\n"
        "    storage.close()\n"
        "    try:\n"
        "        await asking\n"
        "    except BaseException as error:\n"
        "        print(type(error).__name__)\n"
        "asyncio.run(main())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, postgres_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "frozen\n"
        with postgres.frozen():
            output, _ = process.communicate("go\n", timeout=20)
        assert output == "Unavailable\n"
        assert process.returncode == 0


async def test_a_killed_server_is_used_again_by_itself(on_postgres: Storage, postgres: Postgres) -> None:
    await on_postgres.write(run("CREATE TABLE two AS SELECT 7 AS number"))
    postgres.kill()
    try:
        with pytest.raises(Unavailable):
            await on_postgres.read(ask())
    finally:
        postgres.start()
    assert await on_postgres.read(ask("SELECT number FROM two")) == 7
    postgres.kill()
    postgres.start()
    assert await on_postgres.read(ask("SELECT number FROM two")) == 7, "the first call after it does not fail"


async def test_every_connection_in_use_is_unavailable_in_time(postgres_url: str) -> None:
    storage = Storage(postgres_url, pool=1, timeout=0.3)
    with storage.engine.connect(), pytest.raises(Unavailable, match="in use"):
        await storage.read(ask())
    storage.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://me:hunter2secret@127.0.0.1:1/one", "Connection refused"),
        ("postgresql://me:hunter2secret@no-such-host.invalid/one", "no-such-host.invalid"),
        ("postgresql://guarded:hunter2secret@/postgres?host={host}", "password authentication failed"),
        ("postgresql://postgres:hunter2secret@/nowhere?host={host}", 'database "nowhere" does not exist'),
        ("postgresql://me:hunter2secret@/one?host=/nowhere/at/all", "/nowhere/at/all"),
        ("postgresql://me:hunter2secret@/one?no_such_option=1", "no_such_option"),
        ("postgresql://me:hunter2secret@/one?sslmode=perhaps", "sslmode"),
        ("postgresql://guarded@/postgres?host={host}&password=hunter2secret", "password authentication failed"),
    ],
)
async def test_a_wrong_address_is_said_shortly_and_without_the_password(
    postgres: Postgres, url: str, words: str
) -> None:
    storage = Storage(url.format(host=postgres.folder), timeout=2.0)
    assert "hunter2secret" not in repr(storage)
    with pytest.raises(Unavailable) as raised:
        await storage.read(ask())
    storage.close()
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300
    told = "".join(traceback.format_exception(raised.value))
    assert "hunter2secret" not in told
    assert "hunter2secret" not in repr(storage.engine)


async def test_the_right_password_is_used(postgres: Postgres) -> None:
    storage = Storage(f"postgresql://guarded:{PASSWORD}@/postgres?host={postgres.folder}")
    assert await storage.read(ask()) == 1
    storage.close()
    storage = Storage(f"postgresql://guarded@/postgres?host={postgres.folder}&password={PASSWORD}")
    assert await storage.read(ask()) == 1
    storage.close()


async def test_a_folder_of_sqlite_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    storage = Storage(f"sqlite:///{tmp_path}/file/below/one.db")
    with pytest.raises(Unavailable, match=r"file/below/one\.db cannot be written: Not a directory"):
        await storage.read(ask())


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "one.db").write_bytes(b"not a database at all " * 100)
    storage = Storage(f"sqlite:///{tmp_path}/one.db")
    with pytest.raises(Unavailable, match="not a database"):
        await storage.read(ask())
    storage.close()


def test_the_files_of_sqlite_are_readable_by_their_owner_only(sqlite_url: str, tmp_path: Path) -> None:
    storage = Storage(sqlite_url)
    storage.write_now(run(MAKE))
    made = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert made == dict.fromkeys(("cognitude.db", "cognitude.db-wal", "cognitude.db-shm"), 0o600)
    storage.close()


def test_sqlite_is_in_wal_mode_waits_for_the_disk_and_keeps_foreign_keys(sqlite_url: str) -> None:
    storage = Storage(sqlite_url)

    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]

    assert storage.read_now(pragmas) == ["wal", 2, 1, 10_000]
    storage.close()


def test_nothing_is_opened_before_it_is_used(tmp_path: Path) -> None:
    storage = Storage(f"sqlite:///{tmp_path}/one.db")
    assert list(tmp_path.iterdir()) == []
    storage.close()
    assert list(tmp_path.iterdir()) == []
