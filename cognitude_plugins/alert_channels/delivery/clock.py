"""The database's clock, which all who send have in common: theirs may differ, and be set."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

_NOW: Final = {
    "postgresql": text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"),
    "sqlite": text("SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"),
}


def now_ms(connection: Connection) -> int:
    """Milliseconds since 1970."""
    return int(connection.execute(_NOW[connection.dialect.name]).scalar_one())
