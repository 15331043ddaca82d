"""What is deleted for its age, and what is not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from cognitude_plugins.gateway.ledger import retention
from cognitude_plugins.gateway.ledger.batch import Part, store
from cognitude_plugins.gateway.ledger.queries import horizons
from cognitude_plugins.gateway.ledger.reader import Reader
from cognitude_plugins.gateway.ledger.records import by_column, parse
from cognitude_plugins.gateway.ledger.retention import prune
from cognitude_plugins.gateway.ledger.rollups import DAY_MS, HOUR_MS
from cognitude_plugins.gateway.ledger.row import Row
from cognitude_plugins.gateway.ledger.tables import (
    CALLS,
    DAYS,
    FACET_MINUTES,
    FACET_QUARTERS,
    HOURS,
    IDENTITY_DAYS,
    MINUTES,
    SEGMENTS,
)
from cognitude_plugins.gateway.ledger.tiles import Horizons
from cognitude_plugins.gateway.ledger.writer import Writer
from cognitude_plugins.gateway.service_settings import Retention
from cognitude_plugins.gateway.storage.database import Storage
from tests.gateway.ledger.book import NOON, RETENTION, assert_exact, random_rows, row, summed, write_segment

SHORT = Retention(rows=1, minutes=2, hours=3, days=4)
TODAY = NOON - 12 * HOUR_MS


def put(storage: Storage, rows: list[Row], segment: str = "one", now_ms: int = NOON) -> Any:
    part = Part(segment=segment, start=0, end=len(rows), rows=[parse(one.encode()) for one in rows])
    return storage.write_now(lambda connection: store(connection, [part], now_ms))


def days_in(storage: Storage, table: Any) -> list[int]:
    """How many days back the rows of a table are."""
    time = table.c.time_ms if table is CALLS else table.c.start_ms
    found = storage.read_now(lambda c: [one for (one,) in c.execute(select(time))])
    return sorted({(TODAY - one + DAY_MS - 1) // DAY_MS for one in found})


async def test_each_table_keeps_its_days_and_today(each_database: Storage) -> None:
    put(each_database, [row(f"r{back}", time_ms=TODAY - back * DAY_MS) for back in range(7)])
    assert await prune(each_database, SHORT, NOON / 1000) == 5 + 4 + 3 + 2 + 2 + 5 + 3 * 3 + 4 + 4 + 3 + 2
    kept = (
        (CALLS, 1),
        (MINUTES, 2),
        (HOURS, 3),
        (DAYS, 4),
        (IDENTITY_DAYS, 4),
        (FACET_MINUTES, 1),
        (FACET_QUARTERS, 3),
    )
    for table, days in kept:
        assert days_in(each_database, table) == list(range(days + 1)), table.name
    assert each_database.read_now(horizons) == Horizons(
        calls=TODAY - DAY_MS,
        minutes=TODAY - 2 * DAY_MS,
        hours=TODAY - 3 * DAY_MS,
        facet_minutes=TODAY - DAY_MS,
        quarters=TODAY - 3 * DAY_MS,
    )
    assert await prune(each_database, SHORT, NOON / 1000) == 0


async def test_nothing_is_deleted_that_is_not_old(each_database: Storage) -> None:
    rows = random_rows(200, 1)
    put(each_database, rows)
    assert await prune(each_database, RETENTION, NOON / 1000) == 0
    assert_exact(each_database, rows)


async def test_calls_that_are_not_in_the_sums_are_kept_and_so_is_what_came_after(
    each_database: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    put(each_database, [row(f"r{back}", time_ms=TODAY - back * DAY_MS) for back in (2, 3, 5)])
    loaded = by_column(parse(row("loaded", time_ms=TODAY - 3 * DAY_MS + 1).encode()))
    each_database.write_now(lambda c: c.execute(CALLS.insert().values(**loaded)))
    await prune(each_database, SHORT, NOON / 1000)
    assert days_in(each_database, CALLS) == [2, 3]
    assert "1 rows of the day that began at" in caplog.text


async def test_a_longer_retention_does_not_pretend_that_what_was_deleted_is_there(each_database: Storage) -> None:
    put(each_database, [row("old", time_ms=TODAY - 2 * DAY_MS + 5)])
    await prune(each_database, SHORT, NOON / 1000)
    await prune(each_database, RETENTION, NOON / 1000)
    assert each_database.read_now(horizons).calls == TODAY - DAY_MS
    since = datetime.fromtimestamp((TODAY - 2 * DAY_MS + 3) / 1000, UTC)
    assert await Reader(each_database).spent("acme", since=since, until=since + timedelta(minutes=1)) == 1200


async def test_rows_that_come_late_count_and_go_with_the_next_pruning(each_database: Storage) -> None:
    await prune(each_database, SHORT, NOON / 1000)
    late = row("late", time_ms=TODAY - 2 * DAY_MS)
    assert put(each_database, [late]).inserted == 1
    await prune(each_database, SHORT, NOON / 1000)
    assert days_in(each_database, CALLS) == []
    since = datetime.fromtimestamp((TODAY - 3 * DAY_MS) / 1000, UTC)
    assert await Reader(each_database).spent("acme", since=since) == 1200


async def test_a_segment_is_known_as_long_as_its_rows_can_count(each_database: Storage) -> None:
    rows = [row("a", time_ms=TODAY - 2 * DAY_MS)]
    put(each_database, rows, now_ms=TODAY - 2 * DAY_MS)
    for day in range(3):
        await prune(each_database, SHORT, NOON / 1000 + day * 86_400)
        again = put(each_database, rows, now_ms=NOON)
        assert (again.inserted, again.offsets) == (0, {"one": 1})
    await prune(each_database, SHORT, NOON / 1000 + 3 * 86_400)
    count = select(func.count()).select_from(SEGMENTS)
    assert each_database.read_now(lambda c: c.execute(count).scalar()) == 0
    again = put(each_database, rows, now_ms=NOON + 3 * DAY_MS)
    assert (again.inserted, again.expired) == (0, 1)


async def test_pruning_in_small_steps_beside_the_writer_changes_no_sum(
    each_database: Storage, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_MOST_ROWS", 7)
    old, new = random_rows(60, 2, start=TODAY - 2 * DAY_MS, span=DAY_MS), random_rows(300, 3, start=TODAY, span=HOUR_MS)
    put(each_database, old)
    for start in range(0, 300, 50):
        write_segment(tmp_path, new[start : start + 50])
    writer = Writer(each_database, tmp_path, SHORT, clock=lambda: NOON / 1000)
    deleted, drained = await asyncio.gather(writer.prune(), writer.drain(20))
    assert drained
    assert deleted >= 60
    since = datetime.fromtimestamp((TODAY - 2 * DAY_MS) / 1000, UTC)
    [sums] = await Reader(each_database).usage_across(None, since=since)
    expected = summed([*old, *new])
    assert (sums.calls, sums.cost_nano_usd) == (360, expected["cost_nano_usd"])
