"""One transaction of the writer: rows, their sums and the segments' offsets change together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from .bulk import add, insert_calls
from .records import TIME_MS, Entry
from .rollups import rollups
from .tables import DAYS, HORIZONS, SEGMENTS

# An arbitrary number, the same in every version for all time: several machines may write into one database.
_ADVISORY: Final = 0x636F676E6C6564
_PROGRAM_LIMIT: Final = "54"

# Made once: making a statement costs more than SQLite takes to answer it.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(:key)")
_SINCE: Final = select(HORIZONS.c.since_ms).where(HORIZONS.c.table_name == bindparam("table"))
_REACHED: Final = select(SEGMENTS.c.name, SEGMENTS.c.offset).where(
    SEGMENTS.c.name.in_(bindparam("names", expanding=True))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a segment has from ``start`` to ``end``."""

    segment: str
    start: int
    end: int
    rows: Sequence[Entry]


@dataclass(slots=True, kw_only=True)
class Stored:
    """``offsets`` is how far each segment is in the database now; a part that did not begin where its segment was is
    left out. ``refused`` are rows that the database does not take and why, ``expired`` rows older than all sums."""

    offsets: dict[str, int] = field(default_factory=dict)
    inserted: int = 0
    known: int = 0
    expired: int = 0
    refused: list[tuple[Entry, str]] = field(default_factory=list)


def store(connection: Connection, parts: Sequence[Part], now_ms: int) -> Stored:
    """In a write transaction. Exact whatever was committed before: nothing counts that was there already."""
    alone(connection)
    offsets = _offsets(connection, [part.segment for part in parts])
    fitting = [part for part in parts if part.start == offsets[part.segment]]
    since = horizon(connection, DAYS)
    if since > now_ms:
        # Something was deleted while the clock was far ahead. That must not cost what comes until then.
        since = 0
    rows = [row for part in fitting for row in part.rows if row[TIME_MS] >= since]
    stored = Stored(offsets=offsets, expired=sum(len(part.rows) for part in fitting) - len(rows))
    _take(connection, rows, stored)
    moved = {part.segment: part.end for part in fitting if part.end != part.start}
    _move(connection, moved, now_ms)
    stored.offsets.update(moved)
    return stored


def alone(connection: Connection) -> None:
    """From here to the end of the transaction no other machine writes the ledger; SQLite's has begun so."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"key": _ADVISORY})


def horizon(connection: Connection, table: Table) -> int:
    """From when on the table is complete."""
    return connection.execute(_SINCE, {"table": table.name}).scalar() or 0


def _take(connection: Connection, rows: Sequence[Entry], stored: Stored) -> None:
    """All of them, or each half by itself, down to the one that is refused."""
    if not rows:
        return
    try:
        with connection.begin_nested():
            new = insert_calls(connection, rows)
            add(connection, rollups(new))
        stored.inserted += len(new)
        stored.known += len(rows) - len(new)
    except (DBAPIError, OverflowError) as error:
        if not _refused(error):
            raise
        if len(rows) == 1:
            stored.refused.append((rows[0], str(getattr(error, "orig", error)).strip().splitlines()[0]))
            return
        middle = len(rows) // 2
        _take(connection, rows[:middle], stored)
        _take(connection, rows[middle:], stored)


def _refused(error: Exception) -> bool:
    """Whether it is the row's fault: the same would be said of it every time. A table that is missing is not."""
    if isinstance(error, DataError | IntegrityError | OverflowError):
        return True
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return state.startswith(_PROGRAM_LIMIT)


def _offsets(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    found = connection.execute(_REACHED, {"names": names})
    return {**dict.fromkeys(names, 0), **{row.name: row.offset for row in found}}


def _move(connection: Connection, ends: Mapping[str, int], now_ms: int) -> None:
    if not ends:
        return
    lines = [{"name": name, "offset": end, "updated_ms": now_ms} for name, end in ends.items()]
    connection.execute(_moving(connection.dialect.name), lines)


@lru_cache(maxsize=2)
def _moving(dialect: str) -> Any:
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    change = insert(SEGMENTS)
    return change.on_conflict_do_update(
        index_elements=[SEGMENTS.c.name],
        set_={"offset": change.excluded.offset, "updated_ms": change.excluded.updated_ms},
    )
