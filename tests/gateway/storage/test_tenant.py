"""Plugins ask the database for one organization."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.tenant import TenantDatabase
from hooks import Database


def one(connection: Any) -> int:
    return int(connection.execute(text("SELECT 1")).scalar_one())


async def test_it_reads_and_writes(empty_database: Storage) -> None:
    lent: Database = TenantDatabase(empty_database)
    await lent.write("acme", lambda connection: connection.execute(text("CREATE TABLE a AS SELECT 5 AS n")) and None)
    assert await lent.read("acme", lambda connection: connection.execute(text("SELECT n FROM a")).scalar_one()) == 5


@pytest.mark.parametrize("organization", ["", None, 7])
async def test_without_an_organization_nothing_is_done(sqlite_url: str, organization: Any) -> None:
    lent = TenantDatabase(Storage(sqlite_url))
    for ask in (lent.read, lent.write):
        with pytest.raises(ValueError, match="one organization"):
            await ask(organization, one)
