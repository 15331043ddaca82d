"""What is deleted for its age: whole days of UTC, never a row whose sums are missing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Table, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from ..storage.database import Storage
from .batch import alone
from .rollups import DAY_MS, HOUR_MS, MINUTE_MS, QUARTER_MS
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
    TOTALS,
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
    for table, days, width in _kept(retention):
        since = (int(now * 1000) // DAY_MS - days) * DAY_MS
        if table is CALLS:
            since = await storage.read(partial(_summed_until, until=since), patient=True)
        if table not in (SEGMENTS, TOTALS):
            await storage.write(partial(_move_horizon, name=table.name, since=since))
        while count := await storage.write(partial(_delete, table=table, since=since, width=width)):
            deleted += count
    return deleted


def _kept(retention: Retention) -> Iterator[tuple[Table, int, int | None]]:
    """For how many days. Those of all models together go after those by model, whose horizon is theirs, too."""
    yield CALLS, retention.rows, None
    yield MINUTES, retention.minutes, None
    yield HOURS, retention.hours, None
    yield DAYS, retention.days, None
    for width, days in (
        (MINUTE_MS, retention.minutes),
        (QUARTER_MS, retention.minutes),
        (HOUR_MS, retention.hours),
        (DAY_MS, retention.days),
    ):
        yield TOTALS, days, width
    yield IDENTITY_DAYS, retention.days, None
    yield FACET_MINUTES, retention.rows, None
    yield FACET_QUARTERS, retention.hours, None
    yield SEGMENTS, retention.days, None


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


def _delete(connection: Connection, table: Table, since: int, width: int | None = None) -> int:
    """Under the writer's lock: two that delete and update the same rows in another order would block each other."""
    alone(connection)
    time = next(table.c[name] for name in ("time_ms", "start_ms", "updated_ms") if name in table.c)
    key = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(time < since).limit(_MOST_ROWS)
    if width is not None:
        some = some.where(table.c.width_ms == width)
    return int(connection.execute(delete(table).where(key.in_(some))).rowcount)
