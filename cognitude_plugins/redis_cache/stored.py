"""The rows of kept answers: what is read and written within a transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from hooks import EVERY_ORGANIZATION

from .known import Mark
from .tables import CacheAnswer, CacheSecret

_ANSWER: Final[Any] = CacheAnswer.__table__  # type: ignore[attr-defined]
_SECRET: Final[Any] = CacheSecret.__table__  # type: ignore[attr-defined]
_SECRET_BYTES: Final = 32
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    organization: str
    key: str
    model: str
    created_ms: int
    size: int
    packed: bytes
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which answers of an organization: all of those that fit everything that is given."""

    organization: str
    model: str | None = None
    key: str | None = None
    before_ms: int | None = None

    def fits(self, key: str, model: str, created_ms: int) -> bool:
        return (
            self.model in (None, model)
            and self.key in (None, key)
            and (self.before_ms is None or created_ms < self.before_ms)
        )


def installation_secret(connection: Connection) -> bytes:
    """Made by whoever comes first."""
    found = connection.execute(select(_SECRET.c.secret)).scalar_one_or_none()
    if found is None:
        found = secrets.token_bytes(_SECRET_BYTES)
        connection.execute(insert(_SECRET).values(organization=EVERY_ORGANIZATION, secret=found))
    return bytes(found)


def packed(connection: Connection, organization: str, key: str) -> bytes | None:
    wanted = select(_ANSWER.c.packed).where(_ANSWER.c.organization == organization, _ANSWER.c.key == key)
    found = connection.execute(wanted).scalar_one_or_none()
    return None if found is None else bytes(found)


def keep(connection: Connection, rows: Sequence[Row]) -> None:
    """In the place of those that are kept under the same keys. All workers write in one order, so none waits for one
    that waits for it.
    """
    values = sorted((asdict(row) for row in rows), key=itemgetter("organization", "key"))
    upsert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(_ANSWER)
    others = {column.name: upsert.excluded[column.name] for column in _ANSWER.columns if not column.primary_key}
    connection.execute(upsert.on_conflict_do_update(index_elements=["organization", "key"], set_=others), values)


def find(connection: Connection, wanted: Wanted) -> Sequence[tuple[str, int]]:
    """Key and bytes of each."""
    found = select(_ANSWER.c.key, _ANSWER.c.size).where(*_conditions(wanted))
    return [(row.key, row.size) for row in connection.execute(found)]


def remove(connection: Connection, wanted: Wanted) -> int:
    """How many there were."""
    return int(connection.execute(delete(_ANSWER).where(*_conditions(wanted))).rowcount)


def count(connection: Connection, organization: str) -> tuple[int, int]:
    """Answers and their bytes."""
    found = select(func.count(), func.coalesce(func.sum(_ANSWER.c.size), 0)).where(
        _ANSWER.c.organization == organization
    )
    number, size = connection.execute(found).one()
    return int(number), int(size)


def page(connection: Connection, after: Mark, most: int) -> Sequence[Mark]:
    """Of all organizations, the next ``most`` in the order in which they were made."""
    order = (_ANSWER.c.created_ms, _ANSWER.c.organization, _ANSWER.c.key)
    return [
        Mark(*row)
        for row in connection.execute(select(*order).where(tuple_(*order) > after).order_by(*order).limit(most))
    ]


def total(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(_ANSWER)).scalar_one())


def forget(connection: Connection, *, now_ms: int, before_ms: int | None, most_bytes: int | None) -> int:
    """What has expired, what is from before a time, then the oldest until all together have no more bytes than these.

    How many went.
    """
    gone: int = connection.execute(delete(_ANSWER).where(_ANSWER.c.expires_ms < now_ms)).rowcount
    if before_ms is not None:
        gone += connection.execute(delete(_ANSWER).where(_ANSWER.c.created_ms < before_ms)).rowcount
    if most_bytes is None:
        return gone
    size = int(connection.execute(select(func.coalesce(func.sum(_ANSWER.c.size), 0))).scalar_one())
    while size > most_bytes:
        oldest = select(_ANSWER.c.organization, _ANSWER.c.key, _ANSWER.c.size).order_by(_ANSWER.c.created_ms)
        rows = connection.execute(oldest.limit(_AT_ONCE)).all()
        over: list[tuple[str, str]] = []
        for row in rows:
            if size <= most_bytes:
                break
            over.append((row.organization, row.key))
            size -= row.size
        places = tuple_(_ANSWER.c.organization, _ANSWER.c.key)
        gone += connection.execute(delete(_ANSWER).where(places.in_(over))).rowcount
    return gone


def _conditions(wanted: Wanted) -> list[Any]:
    conditions = [_ANSWER.c.organization == wanted.organization]
    if wanted.model is not None:
        conditions.append(_ANSWER.c.model == wanted.model)
    if wanted.key is not None:
        conditions.append(_ANSWER.c.key == wanted.key)
    if wanted.before_ms is not None:
        conditions.append(_ANSWER.c.created_ms < wanted.before_ms)
    return conditions
