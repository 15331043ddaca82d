"""What is deleted for its age: whole days of UTC, never a row whose sums are missing."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Table, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from ..storage.database import Storage
from .batch import alone
from .rollups import DAY_MS
from .tables import (
    CALLS,
    DAYS,
    FACET_MINUTES,
    FACET_QUARTERS,
    HORIZONS,
    HOURS,
    IDENTITY_DAYS,
    MINUTES,
    SEGMENTS,
)

if TYPE_CHECKING:
    from ..service_settings import Retention

log: Final = logging.getLogger("cognitude.ledger")

_MOST_ROWS: Final = 2000


async def prune(storage: Storage, retention: Retention, now: float) -> int:
    """How many rows of all tables were deleted; in transactions of 2000, between which the writer gets its turn.

    That a time is no longer complete is written down before the first row of it goes, so that a reader never adds up
    what is half deleted. Raises `Unavailable`; what was deleted by then stays so.
    """
    deleted = 0
    for table, days in (
        (CALLS, retention.rows),
        (MINUTES, retention.minutes),
        (HOURS, retention.hours),
        (DAYS, retention.days),
        (IDENTITY_DAYS, retention.days),
        (FACET_MINUTES, retention.rows),
        (FACET_QUARTERS, retention.hours),
        (SEGMENTS, retention.days),
    ):
        since = (int(now * 1000) // DAY_MS - days) * DAY_MS
        if table is CALLS:
            since = await storage.read(partial(_summed_until, until=since), patient=True)
        if table is not SEGMENTS:
            await storage.write(partial(_move_horizon, name=table.name, since=since))
        while count := await storage.write(partial(_delete, table=table, since=since)):
            deleted += count
    return deleted


def _summed_until(connection: Connection, until: int) -> int:
    """``until``, or the start of the first day before it that has more rows than its sums count."""
    day = CALLS.c.time_ms - CALLS.c.time_ms % DAY_MS
    rows = select(day.label("start_ms"), func.count().label("calls")).where(CALLS.c.time_ms < until).group_by(day)
    for start, calls in sorted(connection.execute(rows).all()):
        summed = connection.execute(select(func.sum(DAYS.c.calls)).where(DAYS.c.start_ms == start)).scalar() or 0
        if summed < calls:
            log.error("%d rows of the day that began at %d are not in the sums: they are kept", calls - summed, start)
            return int(start)
    return until


def _move_horizon(connection: Connection, name: str, since: int) -> None:
    """Never back: what was deleted under a shorter retention does not return with a longer one."""
    alone(connection)
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    change = insert(HORIZONS).values(table_name=name, since_ms=since)
    farther = change.excluded.since_ms > HORIZONS.c.since_ms
    connection.execute(
        change.on_conflict_do_update(
            index_elements=[HORIZONS.c.table_name], set_={"since_ms": change.excluded.since_ms}, where=farther
        )
    )


def _delete(connection: Connection, table: Table, since: int) -> int:
    """Under the writer's lock: two that delete and update the same rows in another order would block each other."""
    alone(connection)
    time = next(table.c[name] for name in ("time_ms", "start_ms", "updated_ms") if name in table.c)
    key = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(time < since).limit(_MOST_ROWS)
    return int(connection.execute(delete(table).where(key.in_(some))).rowcount)
