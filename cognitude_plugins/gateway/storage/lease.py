"""The right to change the database's tables, which one process at a time has."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from hooks import PluginError, Unavailable

from .database import Storage

# An arbitrary number, the same in every version for all time: two versions may start at once.
_ADVISORY: Final = 0x636F676E6974756
# How long a start waits for another process' migration, and that for a table that others are using.
_WAIT_SECONDS: Final = 600.0
_TABLE_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 0.02


@contextmanager
def alone(storage: Storage, lock: Path) -> Iterator[Connection]:
    """A transaction that nobody else has at this time; committed at the end, rolled back as a whole by an exception.

    Others wait for it, then see what it did. On SQLite by an ``flock`` on ``lock``, on PostgreSQL by an advisory lock
    of the transaction (one of the session is lost behind a pooler that hands connections on between transactions).
    """
    if storage.dialect == "sqlite":
        with _locked(lock), _sqlite(storage) as connection:
            yield connection
    else:
        with _postgresql(storage) as connection:
            yield connection


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + _WAIT_SECONDS
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Unavailable(f"another process has held {path} for {_WAIT_SECONDS:g} s") from None
            time.sleep(_RETRY_SECONDS)
        yield


@contextmanager
def _sqlite(storage: Storage) -> Iterator[Connection]:
    """Without foreign keys: SQLite changes a table by making it anew, and dropping the old one would empty those that
    refer to it. They are checked before the commit instead (sqlite.org/lang_altertable.html, section 7)."""
    with storage.engine.connect().execution_options(immediate=True) as connection:
        # A connection of its own, closed afterwards: this setting must not come back into the pool.
        connection.detach()
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys = OFF").close()
        with connection.begin():
            yield connection
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                tables = ", ".join(sorted({str(row[0]) for row in broken}))
                raise PluginError(
                    f"a migration left rows without the row they refer to in {tables}: nothing was changed"
                )


@contextmanager
def _postgresql(storage: Storage) -> Iterator[Connection]:
    # Read committed: what another process did while this one waited must be seen.
    options = {"isolation_level": "READ COMMITTED"}
    with storage.engine.connect().execution_options(**options) as connection, connection.begin():
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SET LOCAL lock_timeout = {round(_WAIT_SECONDS * 1000)}"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY})
        connection.execute(text(f"SET LOCAL lock_timeout = {round(_TABLE_SECONDS * 1000)}"))
        yield connection
