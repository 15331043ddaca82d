"""Which of a driver's errors mean that the database cannot be used now; the others are mistakes in a statement."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hooks import Unavailable

_SQLITE: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)


def as_unavailable(error: DBAPIError | PoolTimeout, database: str, *, writes: bool) -> Unavailable | None:
    """None for a statement that would be refused however often it is tried. ``database`` is what it is called.

    A read-only SQLite file is an outage to who ``writes``; to others it is the rule that a read changes nothing.
    """
    if isinstance(error, PoolTimeout):
        return Unavailable(f"all connections to {database} are in use")
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        outage = code & 0xFF in _SQLITE or (writes and code & 0xFF == sqlite3.SQLITE_READONLY)
    else:
        outage = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    return unreachable(error, database) if outage else None


def unreachable(error: DBAPIError, database: str) -> Unavailable:
    return Unavailable(f"{database} cannot be used: {_short(error)}")


def _short(error: DBAPIError) -> str:
    """The driver's own words, without the statement and its parameters."""
    lines = str(error.orig or "").strip().splitlines()
    return lines[0][:200] if lines else type(error.orig).__name__
