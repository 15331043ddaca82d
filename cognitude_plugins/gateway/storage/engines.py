"""How a connection to SQLite or PostgreSQL is made, and a transaction on it begun."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from hooks import Unavailable

_BUSY_SECONDS: Final = 10.0
# What a transaction may take beyond the timeout of its work.
GRACE_SECONDS: Final[Mapping[str, float]] = {"sqlite": _BUSY_SECONDS, "postgresql": 0.5}
_PRAGMAS: Final = (
    # Readers never wait for the writer.
    "journal_mode = WAL",
    # A journal is deleted once its rows are in here: a commit must be on the disk.
    "synchronous = FULL",
    "foreign_keys = ON",
)


def driver(url: URL) -> URL:
    """psycopg 3 for every spelling of PostgreSQL."""
    return url if url.get_backend_name() == "sqlite" else url.set(drivername="postgresql+psycopg")


def passwords(url: URL) -> Mapping[str, Any]:
    """Those in the query, as libpq takes them: SQLAlchemy hides only the one before the host when it shows a URL."""
    return {name: value for name, value in url.query.items() if "password" in name}


def create(url: URL, pool: int, timeout: float) -> Engine:
    """Raises `Unavailable` where the folder of an SQLite file cannot be made or written."""
    return _sqlite(url, pool) if url.get_backend_name() == "sqlite" else _postgresql(url, pool, timeout)


def bound(connection: Connection, seconds: float, writes: bool) -> None:
    """On PostgreSQL the first statement of a transaction; SQLite's limits are set where it begins."""
    if connection.dialect.name == "sqlite":
        return
    limit = f"SET LOCAL statement_timeout = {round(seconds * 1000)}"
    connection.exec_driver_sql(limit if writes else f"{limit}; SET TRANSACTION READ ONLY")


def _sqlite(url: URL, pool: int) -> Engine:
    if url.database:
        _make_private(Path(url.database))
    engine = create_engine(
        url,
        pool_size=pool + 1,
        hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": _BUSY_SECONDS},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(file: Path) -> None:
    """Readable by nobody else, as are the files that SQLite puts beside it.

    A file that is there is not opened: closing it again would take from this process every lock that its connections
    hold on it (POSIX has them so), and the next process to leave would delete the WAL under them.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise Unavailable(f"the database {file} cannot be written: {error.strerror}") from None
    if not os.access(file, os.R_OK | os.W_OK):
        raise Unavailable(f"the database {file} cannot be written: {os.strerror(errno.EACCES)}")


def _postgresql(url: URL, pool: int, timeout: float) -> Engine:
    seconds, secrets = max(1, round(timeout)), passwords(url)
    options = {
        "connect_timeout": seconds,
        # A machine that is gone sends no end of the connection.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "application_name": "cognitude",
    }
    return create_engine(
        url.difference_update_query(secrets),
        pool_size=pool,
        max_overflow=0,
        pool_timeout=timeout,
        hide_parameters=True,
        connect_args={**{name: value for name, value in options.items() if name not in url.query}, **secrets},
    )


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None
    deadline = monotonic() + _BUSY_SECONDS
    for pragma in _PRAGMAS:
        _patiently(connection, f"PRAGMA {pragma}", deadline)


def _patiently(connection: Any, statement: str, deadline: float) -> None:
    """A file that becomes WAL is locked for a moment, and SQLite does not wait for that by itself."""
    import sqlite3

    while True:
        try:
            connection.execute(statement).close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
        sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("immediate", False)
    raw: Any = connection.connection.dbapi_connection
    raw.execute(f"PRAGMA query_only = {0 if writes else 1}").close()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
