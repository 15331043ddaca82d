"""The rows of rules that were made through the API: what is read and written within a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from ..tables import AlertRule

_RULE: Final[Any] = AlertRule.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    id: str
    organization: str
    name: str
    definition: str
    enabled: bool
    created_ms: int
    updated_ms: int


def rows(connection: Connection) -> Sequence[Row]:
    """Of all organizations, by organization and name."""
    wanted = select(_RULE).order_by(_RULE.c.organization, _RULE.c.name)
    return [Row(**row) for row in connection.execute(wanted).mappings()]


def find(connection: Connection, organization: str, id: str) -> Row | None:
    mine = (_RULE.c.organization == organization, _RULE.c.id == id)
    row = connection.execute(select(_RULE).where(*mine)).mappings().first()
    return None if row is None else Row(**row)


def taken(connection: Connection, organization: str, name: str, *, but: str = "") -> bool:
    """Whether another one than ``but`` has the name."""
    same = (_RULE.c.organization == organization, _RULE.c.name == name, _RULE.c.id != but)
    return connection.execute(select(_RULE.c.id).where(*same)).first() is not None


def count(connection: Connection, organization: str) -> int:
    counted = select(func.count()).select_from(_RULE).where(_RULE.c.organization == organization)
    return int(connection.execute(counted).scalar_one())


def add(connection: Connection, row: Row) -> None:
    connection.execute(insert(_RULE).values(**asdict(row)))


def put(connection: Connection, row: Row) -> None:
    connection.execute(update(_RULE).where(_RULE.c.id == row.id).values(**asdict(row)))


def remove(connection: Connection, organization: str, id: str) -> bool:
    """Whether it was there."""
    mine = (_RULE.c.organization == organization, _RULE.c.id == id)
    return bool(connection.execute(delete(_RULE).where(*mine)).rowcount)
