"""Sums made anew are those that the writer makes."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cognitude_plugins.gateway.ledger import rebuild as module
from cognitude_plugins.gateway.ledger.batch import Part, store
from cognitude_plugins.gateway.ledger.rebuild import rebuild
from cognitude_plugins.gateway.ledger.records import by_column, parse
from cognitude_plugins.gateway.ledger.retention import prune
from cognitude_plugins.gateway.ledger.rollups import DAY_MS, HOUR_MS
from cognitude_plugins.gateway.ledger.tables import (
    CALLS,
    DAYS,
    FACET_MINUTES,
    FACET_QUARTERS,
    HOURS,
    IDENTITY_DAYS,
    MINUTES,
    TOTALS,
)
from cognitude_plugins.gateway.service_settings import Retention
from cognitude_plugins.gateway.storage.database import Storage
from tests.gateway.ledger.book import NOON, assert_exact, random_rows

ROWS = random_rows(500, 1)
FIRST = NOON - 12 * HOUR_MS - 3 * DAY_MS


def sums(storage: Storage) -> list[list[object]]:
    return [
        sorted(map(tuple, storage.read_now(lambda c, table=table: c.execute(select(table)).all())))
        for table in (MINUTES, HOURS, DAYS, TOTALS, IDENTITY_DAYS, FACET_MINUTES, FACET_QUARTERS)
    ]


def test_loaded_rows_get_the_sums_that_the_writer_would_have_made(
    each_database: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [parse(one.encode()) for one in ROWS]
    part = Part(segment="one", start=0, end=500, rows=entries)
    each_database.write_now(lambda c: store(c, [part], NOON))
    written = sums(each_database)
    each_database.write_now(lambda c: [c.execute(table.delete()) for table in (CALLS, MINUTES, DAYS, FACET_QUARTERS)])
    each_database.write_now(lambda c: c.execute(CALLS.insert(), list(map(by_column, entries))))
    monkeypatch.setattr(module, "_AT_ONCE", 64)
    told: list[int] = []
    for _ in range(2):
        assert rebuild(each_database, FIRST, NOON, told.append) == 500
        assert sums(each_database) == written
    assert_exact(each_database, ROWS)
    assert told[3] == 500


async def test_the_sums_of_deleted_calls_are_not_touched(each_database: Storage) -> None:
    part = Part(segment="one", start=0, end=500, rows=[parse(one.encode()) for one in ROWS])
    each_database.write_now(lambda c: store(c, [part], NOON))
    await prune(each_database, Retention(rows=1, minutes=30, hours=90, days=365), NOON / 1000)
    before = sums(each_database)
    with pytest.raises(ValueError, match="were deleted"):
        rebuild(each_database, FIRST, NOON)
    assert sums(each_database) == before
