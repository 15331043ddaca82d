"""The rows of limits and resets: what is read and written within a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from hooks import EVERY_ORGANIZATION

from .tables import LimiterChange, LimiterOverride, LimiterReset

_OVERRIDE: Final[Any] = LimiterOverride.__table__  # type: ignore[attr-defined]
_CHANGE: Final[Any] = LimiterChange.__table__  # type: ignore[attr-defined]
_RESET: Final[Any] = LimiterReset.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    organization: str
    key: str
    layer: str
    limits: str
    updated_ms: int


def present_number(connection: Connection) -> int:
    """To be read before the rows: what is committed in between is then read again instead of missed."""
    return int(connection.execute(select(_CHANGE.c.number)).scalar_one())


def next_number(connection: Connection) -> int:
    """To be taken first by a transaction that changes something: until it ends, the others wait here."""
    mine = _CHANGE.c.organization == EVERY_ORGANIZATION
    taken = update(_CHANGE).where(mine).values(number=_CHANGE.c.number + 1).returning(_CHANGE.c.number)
    return int(connection.execute(taken).scalar_one())


def rows(connection: Connection, organization: str | None = None) -> Sequence[Row]:
    """With None those of all organizations."""
    wanted = select(_OVERRIDE).order_by(_OVERRIDE.c.organization, _OVERRIDE.c.key, _OVERRIDE.c.layer)
    if organization is not None:
        wanted = wanted.where(_OVERRIDE.c.organization == organization)
    return [Row(**row) for row in connection.execute(wanted).mappings()]


def remove(connection: Connection, organization: str, key: str, layer: str) -> bool:
    """Whether it was there."""
    same = (_OVERRIDE.c.organization == organization, _OVERRIDE.c.key == key, _OVERRIDE.c.layer == layer)
    return bool(connection.execute(delete(_OVERRIDE).where(*same)).rowcount)


def add(connection: Connection, row: Row) -> None:
    values = {name: getattr(row, name) for name in ("organization", "key", "layer", "limits", "updated_ms")}
    connection.execute(insert(_OVERRIDE).values(**values))


def note_reset(connection: Connection, organization: str, own_only: bool) -> int:
    """The number of this change."""
    number = next_number(connection)
    same = (_RESET.c.organization == organization, _RESET.c.own_only.is_(own_only))
    connection.execute(delete(_RESET).where(*same))
    connection.execute(insert(_RESET).values(organization=organization, own_only=own_only, number=number))
    return number


def resets(connection: Connection, *, above: int, up_to: int) -> Sequence[tuple[str, bool, int]]:
    """Organization, whether only its own limits' counters, and the change's number."""
    wanted = select(_RESET).where(_RESET.c.number > above, _RESET.c.number <= up_to)
    return [(row.organization, bool(row.own_only), row.number) for row in connection.execute(wanted)]
