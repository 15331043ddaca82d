"""The number that counts changes to channels, rules, budgets and silences: how workers see that they are behind."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, select, update

from hooks import EVERY_ORGANIZATION

from .tables import AlertChange

_CHANGE: Final[Any] = AlertChange.__table__  # type: ignore[attr-defined]


def present_number(connection: Connection) -> int:
    """To be read before the rows: what is committed in between is then read again instead of missed."""
    return int(connection.execute(select(_CHANGE.c.number)).scalar_one())


def next_number(connection: Connection) -> int:
    """To be taken first by a transaction that changes something: until it ends, the others wait here."""
    mine = _CHANGE.c.organization == EVERY_ORGANIZATION
    taken = update(_CHANGE).where(mine).values(number=_CHANGE.c.number + 1).returning(_CHANGE.c.number)
    return int(connection.execute(taken).scalar_one())
