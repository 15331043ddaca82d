"""The tables of alerts: made by its migrations as its classes have them, and unmade again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.lifecycle.stored import ALERT
from cognitude_plugins.alert_channels.tables import TABLES
from tests.borrowed import Tables


@pytest.fixture
def tables(each_database: Any, tmp_path: Path) -> Tables:
    return Tables(each_database, tmp_path, plugin)


def columns(tables: Tables) -> dict[str, Any]:
    def look(connection: Any) -> dict[str, Any]:
        found = inspect(connection)
        return {
            name: {column["name"]: (column["nullable"], str(column["type"])) for column in found.get_columns(name)}
            for name in found.get_table_names()
            if name.startswith("alert")
        }

    found: dict[str, Any] = tables.inspect(look)
    return found


def test_the_migrations_make_what_the_classes_say(tables: Tables) -> None:
    tables.up()
    found = columns(tables)
    described = {model.__tablename__: model.__table__.columns for model in TABLES}  # type: ignore[union-attr]
    assert set(found) == set(described)
    for name, expected in described.items():
        assert found[name] == {one.name: (one.nullable, one.type.compile(tables.dialect)) for one in expected}


def test_it_goes_up_down_and_up_again_with_rows_in_it(tables: Tables) -> None:
    assert tables.up() == ("alert_channels@0001_alerts",)
    tables.execute("INSERT INTO alert_channel VALUES ('a', 'acme', 'ops', 'slack', '', '{}', true, 1, 1)")
    assert tables.down() == ("alert_channels@0001_alerts",)
    assert columns(tables) == {}
    assert tables.up() == ("alert_channels@0001_alerts",)
    assert tables.execute("SELECT * FROM alert_change") == [("*", 0)]
    assert tables.execute("SELECT * FROM alert_channel") == []


def test_every_table_says_whose_its_rows_are() -> None:
    assert all("organization" in model.__table__.columns for model in TABLES)  # type: ignore[union-attr]


HISTORY = """
INSERT INTO alert (id, organization, rule, subject, state, severity, title, detail, pending_ms, told, updated_ms)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 3000)
SELECT 'alert_' || n, 'acme', 'rule', '', 'resolved', 'warning', 'over', '{}', n, 1, n FROM numbers
"""


def test_what_is_open_is_found_by_an_index_of_its_own(tables: Tables) -> None:
    """Each evaluation reads it, also after months in which thousands of alerts were over."""
    tables.up()
    tables.execute(HISTORY)
    tables.execute("ANALYZE alert")
    asked = select(ALERT).where(ALERT.c.open_key.is_not(None)).order_by(ALERT.c.id)
    explain = "EXPLAIN QUERY PLAN" if tables.dialect.name == "sqlite" else "EXPLAIN"
    plan = tables.execute(f"{explain} {asked}")
    assert "alert_open" in str(plan), plan
