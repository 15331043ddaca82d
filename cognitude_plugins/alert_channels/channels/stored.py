"""The rows of channels that were made through the API, and which receivers want no more, within a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ..tables import AlertChannel, AlertChannelState

_CHANNEL: Final[Any] = AlertChannel.__table__  # type: ignore[attr-defined]
_STATE: Final[Any] = AlertChannelState.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``sealed`` is what its type wants, ``settings`` what every channel has, both JSON."""

    id: str
    organization: str
    name: str
    type: str
    sealed: str
    settings: str
    enabled: bool
    created_ms: int
    updated_ms: int


def rows(connection: Connection) -> Sequence[Row]:
    wanted = select(_CHANNEL).order_by(_CHANNEL.c.organization, _CHANNEL.c.name)
    return [Row(**row) for row in connection.execute(wanted).mappings()]


def row(connection: Connection, id: str) -> Row | None:
    found = connection.execute(select(_CHANNEL).where(_CHANNEL.c.id == id)).mappings().first()
    return None if found is None else Row(**found)


def count(connection: Connection, organization: str) -> int:
    counted = select(func.count()).where(_CHANNEL.c.organization == organization)
    return int(connection.execute(counted).scalar_one())


def taken(connection: Connection, organization: str, name: str, *, but: str = "") -> bool:
    """Whether another channel of the organization has this name."""
    same = (_CHANNEL.c.organization == organization, _CHANNEL.c.name == name, _CHANNEL.c.id != but)
    return connection.execute(select(_CHANNEL.c.id).where(*same)).first() is not None


def add(connection: Connection, row: Row) -> None:
    connection.execute(_CHANNEL.insert().values(**asdict(row)))


def replace(connection: Connection, row: Row) -> None:
    connection.execute(update(_CHANNEL).where(_CHANNEL.c.id == row.id).values(**asdict(row)))


def remove(connection: Connection, id: str) -> None:
    connection.execute(delete(_CHANNEL).where(_CHANNEL.c.id == id))
    connection.execute(delete(_STATE).where(_STATE.c.channel == id))


def gone(connection: Connection) -> Mapping[str, str]:
    """Why, by the channel's id."""
    wanted = select(_STATE.c.channel, _STATE.c.why).where(_STATE.c.gone_ms.is_not(None))
    return {row.channel: row.why or "" for row in connection.execute(wanted)}


def set_gone(connection: Connection, organization: str, id: str, *, why: str, now_ms: int) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = insert(_STATE).values(organization=organization, channel=id, gone_ms=now_ms, why=why, free_ms=0)
    again = {"gone_ms": now_ms, "why": why}
    connection.execute(new.on_conflict_do_update(index_elements=["organization", "channel"], set_=again))


def set_back(connection: Connection, id: str) -> bool:
    """Whether it was gone."""
    was = (_STATE.c.channel == id, _STATE.c.gone_ms.is_not(None))
    return bool(connection.execute(update(_STATE).where(*was).values(gone_ms=None, why=None)).rowcount)
