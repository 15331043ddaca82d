"""The migrations make the tables that the code says there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import inspect

import cognitude_plugins.complexity_router as plugin
from cognitude_plugins.complexity_router.tables import TABLES
from tests.borrowed import Tables


def test_up_down_and_up_again(each_database: Any, tmp_path: Path) -> None:
    tables = Tables(each_database, tmp_path, plugin)
    assert tables.up() == ("complexity_router@0001_router",)
    assert tables.down() == ("complexity_router@0001_router",)
    assert tables.up() == ("complexity_router@0001_router",)

    def columns(connection: Any) -> dict[str, set[tuple[str, bool]]]:
        found = inspect(connection)
        names = [str(table.__tablename__) for table in TABLES]
        return {name: {(one["name"], one["nullable"]) for one in found.get_columns(name)} for name in names}

    said = {
        str(table.__tablename__): {(one.name, bool(one.nullable)) for one in table.__table__.columns}  # type: ignore[attr-defined]
        for table in TABLES
    }
    assert tables.inspect(columns) == said
    assert all(("organization", False) in one for one in said.values())
