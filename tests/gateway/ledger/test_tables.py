"""The tables: those of the migrations, with the columns of a row."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from cognitude_plugins.gateway.ledger.row import COLUMNS
from cognitude_plugins.gateway.ledger.tables import CALLS
from cognitude_plugins.gateway.storage.database import Storage

TABLES = [table for table in CALLS.metadata.sorted_tables if table.name.startswith("ledger_")]


def test_a_call_has_the_columns_of_a_row() -> None:
    assert tuple(CALLS.columns.keys()) == COLUMNS


def test_the_migration_makes_the_tables_that_the_code_has(each_database: Storage) -> None:
    wanted = MetaData()
    for table in TABLES:
        table.to_metadata(wanted)

    def differences(connection: Connection) -> list[object]:
        def ours(item: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:
            return kind != "table" or (name or "").startswith("ledger_")

        return list(compare_metadata(MigrationContext.configure(connection, opts={"include_object": ours}), wanted))

    assert each_database.read_now(differences) == []
