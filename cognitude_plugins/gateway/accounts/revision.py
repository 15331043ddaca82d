"""The number that every change of accounts takes first: it orders the changes and tells readers what is new."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from .tables import AccountRevision

_TABLE = AccountRevision.__table__  # type: ignore[attr-defined]


def next_revision(connection: Connection) -> int:
    """To stamp the rows of this transaction with. Until it ends, other transactions that change accounts wait here."""
    statement = update(_TABLE).where(_TABLE.c.id == 1).values(value=_TABLE.c.value + 1).returning(_TABLE.c.value)
    return int(connection.execute(statement).scalar_one())


def queue(connection: Connection) -> None:
    """Wait for those who are changing accounts, as `next_revision` does: what is read afterwards is as they left it."""
    connection.execute(select(_TABLE.c.value).where(_TABLE.c.id == 1).with_for_update())


def present_revision(connection: Connection) -> int:
    """To be read before the rows: what is committed in between is then read again instead of missed."""
    return int(connection.execute(select(_TABLE.c.value).where(_TABLE.c.id == 1)).scalar_one())
