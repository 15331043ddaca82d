"""All sums made anew from the single calls: for rows that were loaded into the database past the writer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy import Connection, delete, select

from ..storage.database import Storage
from .batch import alone, horizon
from .bulk import add
from .rollups import DAY_MS, rollups
from .tables import CALLS, DAYS, FACET_MINUTES, FACET_QUARTERS, HOURS, IDENTITY_DAYS, MINUTES, TOTALS

_AT_ONCE: Final = 10_000


def rebuild(storage: Storage, since_ms: int, until_ms: int, told: Callable[[int], None] = lambda rows: None) -> int:
    """Of the days of UTC that begin in ``[since_ms, until_ms)``, each in a transaction of its own during which nobody
    else writes the ledger; how many rows they have. ``told`` is given the number so far.

    Raises ``ValueError`` for days whose calls were deleted: their sums are all there is of them. About 8 µs a row.
    """
    start = -(-since_ms // DAY_MS) * DAY_MS
    kept = storage.read_now(partial(horizon, table=CALLS))
    if start < min(kept, until_ms):
        raise ValueError(f"calls before {kept} were deleted, their sums cannot be made again")
    count = 0
    for day in range(start, until_ms, DAY_MS):
        count += storage.write_now(partial(_rebuild_day, day=day), patient=True)
        told(count)
    return count


def _rebuild_day(connection: Connection, day: int) -> int:
    alone(connection)
    for table in (MINUTES, HOURS, DAYS, TOTALS, IDENTITY_DAYS, FACET_MINUTES, FACET_QUARTERS):
        connection.execute(delete(table).where(table.c.start_ms >= day, table.c.start_ms < day + DAY_MS))
    of_day = select(CALLS).where(CALLS.c.time_ms >= day, CALLS.c.time_ms < day + DAY_MS)
    count = 0
    for rows in connection.execute(of_day.execution_options(yield_per=_AT_ONCE)).partitions():
        add(connection, rollups(rows))
        count += len(rows)
    return count
