"""The balancer's table: made by its migration as its class has it, and unmade again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

import cognitude_plugins.balancer as plugin
from cognitude_plugins.balancer.tables import TABLES
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
            if name.startswith("balancer_")
        }

    found: dict[str, Any] = tables.inspect(look)
    return found


def test_the_migration_makes_what_the_class_says_and_goes_down_again(tables: Tables) -> None:
    assert tables.up() == ("balancer@0001_exposures",)
    found = columns(tables)
    described = {model.__tablename__: model.__table__.columns for model in TABLES}  # type: ignore[attr-defined]
    assert set(found) == set(described)
    for name, expected in described.items():
        assert found[name] == {one.name: (one.nullable, one.type.compile(tables.dialect)) for one in expected}
    assert tables.down() == ("balancer@0001_exposures",)
    assert columns(tables) == {}


def test_every_table_says_whose_its_rows_are() -> None:
    assert all("organization" in model.__table__.columns for model in TABLES)  # type: ignore[attr-defined]
