"""How often a receiver takes something, kept in the database: by all processes together."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from hooks import EVERY_ORGANIZATION

from ..tables import AlertChannelState

_STATE: Final[Any] = AlertChannelState.__table__  # type: ignore[attr-defined]
_PREFIX: Final = "pace:"


def take(connection: Connection, of: str, *, every_ms: int, now_ms: int) -> int | None:
    """None if something may be sent now, and nothing else for ``every_ms``; or else when it may be asked again."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    mine = {"organization": EVERY_ORGANIZATION, "channel": f"{_PREFIX}{of}"}
    free_ms = now_ms + every_ms
    taken = insert(_STATE).values(**mine, free_ms=free_ms)
    taken = taken.on_conflict_do_update(
        index_elements=list(mine), set_={"free_ms": free_ms}, where=_STATE.c.free_ms <= now_ms
    )
    if connection.execute(taken.returning(_STATE.c.free_ms)).first() is not None:
        return None
    return int(connection.execute(select(_STATE.c.free_ms).where(*_same(mine))).scalar_one())


def hold(connection: Connection, of: str, *, until_ms: int) -> None:
    """Its receiver wants nothing before then."""
    mine = {"organization": EVERY_ORGANIZATION, "channel": f"{_PREFIX}{of}"}
    connection.execute(_STATE.update().where(*_same(mine), _STATE.c.free_ms < until_ms).values(free_ms=until_ms))


def sweep(connection: Connection, *, before_ms: int) -> None:
    old = (_STATE.c.channel.startswith(_PREFIX, autoescape=True), _STATE.c.free_ms < before_ms)
    connection.execute(delete(_STATE).where(*old))


def _same(mine: dict[str, str]) -> list[Any]:
    return [_STATE.c[name] == value for name, value in mine.items()]
