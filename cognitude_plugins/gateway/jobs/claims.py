"""A tick of a job that the cluster runs once: claimed in the database, held by renewing, given back.

Every claim has a higher ``fence`` than the one before, and everything that its holder writes here is refused once
somebody else has a higher one (Kleppmann, "How to do distributed locking", 2016). The clock is the database's, which
all who share it have in common; where it was set back, what it has not come to yet holds nobody up.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, and_, literal, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from .state import Look, State
from .tables import JOBS

LEASE_MS: Final = 2000
"""How long a holder may be silent. With the claim of the next one, a tick is taken over within three seconds."""
RENEW_SECONDS: Final = 0.5

_LONGEST: Final = 500
_NOW: Final = {
    "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
}


def look(connection: Connection, name: str) -> Look:
    now_ms = connection.execute(select(_now(connection))).scalar_one()
    row = connection.execute(select(JOBS).where(JOBS.c.name == name)).first()
    return Look(now=_moment(now_ms), state=None if row is None else _state(row, now_ms))


def claim(connection: Connection, name: str, due: datetime, holder: str) -> int | None:
    """The fence of the claim; None where `Look.free_for` is not so any more."""
    now = _now(connection)
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    made = insert(JOBS).values(
        name=name,
        tick_ms=_milliseconds(due),
        fence=1,
        holder=holder,
        started_ms=now,
        expires_ms=now + LEASE_MS,
        done=False,
    )
    new, was = made.excluded, JOBS.c
    later = or_(was.tick_ms < new.tick_ms, was.tick_ms > now, and_(was.tick_ms == new.tick_ms, ~was.done))
    over = or_(was.done, was.expires_ms <= now, was.expires_ms > now + LEASE_MS)
    changed = {name: getattr(new, name) for name in ("tick_ms", "holder", "started_ms", "expires_ms", "done")}
    statement = made.on_conflict_do_update(
        index_elements=[was.name], set_={**changed, "fence": was.fence + 1}, where=and_(later, over)
    ).returning(was.fence)
    return connection.execute(statement).scalar()


def renew(connection: Connection, name: str, fence: int) -> bool:
    """Whether it is still held."""
    return _change(connection, name, fence, expires_ms=_now(connection) + LEASE_MS)


def finish(connection: Connection, name: str, fence: int, seconds: float, error: str | None) -> bool:
    """The tick is over, well or not; whether it was still held."""
    told = None if error is None else error[:_LONGEST]
    return _change(connection, name, fence, done=True, seconds=seconds, error=told)


def give_back(connection: Connection, name: str, fence: int) -> bool:
    """Unfinished: another one may run it at once."""
    return _change(connection, name, fence, expires_ms=0)


def _change(connection: Connection, name: str, fence: int, **values: Any) -> bool:
    held = and_(JOBS.c.name == name, JOBS.c.fence == fence, ~JOBS.c.done)
    return bool(connection.execute(update(JOBS).where(held).values(**values)).rowcount)


def _state(row: Any, now_ms: int) -> State:
    left_ms = row.expires_ms - now_ms
    return State(
        due=_moment(row.tick_ms),
        fence=row.fence,
        started=_moment(row.started_ms),
        done=row.done,
        left=timedelta(milliseconds=left_ms if 0 < left_ms <= LEASE_MS else 0),
        seconds=row.seconds,
        error=row.error,
    )


def _now(connection: Connection) -> Any:
    return literal_column(_NOW[connection.dialect.name], type_=literal(0).type)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
