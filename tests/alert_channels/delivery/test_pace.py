"""A receiver's pace: kept by all who ask the same database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.delivery import pace
from tests.borrowed import Tables

NOW = 1_764_500_000_000


@pytest.fixture
def tables(each_database: Any, tmp_path: Path) -> Tables:
    tables = Tables(each_database, tmp_path, plugin)
    tables.up()
    return tables


def take(tables: Tables, of: str, now: int) -> int | None:
    found: int | None = tables._storage.write_now(
        lambda connection: pace.take(connection, of, every_ms=1000, now_ms=now)
    )
    return found


def test_one_gets_it_and_the_others_are_told_when_to_come_again(tables: Tables) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: take(tables, "a", NOW), range(8)))
    assert sorted(found, key=str) == [*[NOW + 1000] * 7, None]
    assert take(tables, "b", NOW) is None
    assert take(tables, "a", NOW + 999) == NOW + 1000
    assert take(tables, "a", NOW + 1000) is None


def test_a_receiver_that_asks_for_time_gets_it(tables: Tables) -> None:
    take(tables, "a", NOW)
    tables._storage.write_now(lambda connection: pace.hold(connection, "a", until_ms=NOW + 60_000))
    tables._storage.write_now(lambda connection: pace.hold(connection, "a", until_ms=NOW + 5_000))
    assert take(tables, "a", NOW + 5_000) == NOW + 60_000
    tables._storage.write_now(lambda connection: pace.sweep(connection, before_ms=NOW + 60_001))
    assert tables.execute("SELECT count(*) FROM alert_channel_state") == [(0,)]
