"""What became of messages: the deliveries of a channel with their attempts, and how many wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, update

from hooks import EVERY_ORGANIZATION

from ..tables import AlertAttempt, AlertOutbox

_OUTBOX: Final[Any] = AlertOutbox.__table__  # type: ignore[attr-defined]
_ATTEMPT: Final[Any] = AlertAttempt.__table__  # type: ignore[attr-defined]
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    at_ms: int
    took_ms: int
    delivered: bool
    status: int | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """``title`` and the rest of the message are in ``message``, as it was packed."""

    id: str
    organization: str
    channel: str
    alert: str | None
    kind: str
    message: str
    state: str
    due_ms: int
    created_ms: int
    ended_ms: int | None
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """``oldest_ms`` is when the message was put in that waits longest and is due; ``failed`` those still kept."""

    waiting: int = 0
    failed: int = 0
    oldest_ms: int | None = None


def deliveries(
    connection: Connection, organization: str, channel: str, *, most: int, before: str = ""
) -> Sequence[Delivery]:
    """The newest first; with ``before`` those that come after this one in the list. Of a channel that plugins.yaml has
    given to an organization, none of what it heard of others before.
    """
    wanted = select(_OUTBOX).where(_OUTBOX.c.channel == channel).order_by(_OUTBOX.c.id.desc()).limit(most)
    if organization != EVERY_ORGANIZATION:
        wanted = wanted.where(_OUTBOX.c.organization == organization)
    if before:
        wanted = wanted.where(_OUTBOX.c.id < before)
    rows = connection.execute(wanted).all()
    attempts = _attempts(connection, [row.id for row in rows])
    return [_delivery(row, attempts.get(row.id, ())) for row in rows]


def find(connection: Connection, id: str) -> Delivery | None:
    row = connection.execute(select(_OUTBOX).where(_OUTBOX.c.id == id)).first()
    return None if row is None else _delivery(row, _attempts(connection, [id]).get(id, ()))


def again(connection: Connection, id: str, *, now_ms: int) -> bool:
    """It is sent once more, under the same id and from the timetable's beginning; not while somebody is sending it."""
    free = (_OUTBOX.c.id == id, _OUTBOX.c.claimed_ms <= now_ms)
    anew = {"state": "waiting", "attempts": 0, "due_ms": now_ms, "claim": None, "claimed_ms": 0, "ended_ms": None}
    return bool(connection.execute(update(_OUTBOX).where(*free).values(**anew)).rowcount)


def counts(connection: Connection, *, now_ms: int) -> Counts:
    number = func.count()
    by_state = select(_OUTBOX.c.state, number).where(_OUTBOX.c.state.in_(("waiting", "failed")))
    found = {state: int(count) for state, count in connection.execute(by_state.group_by(_OUTBOX.c.state))}
    due = (_OUTBOX.c.state == "waiting", _OUTBOX.c.due_ms <= now_ms)
    oldest = connection.execute(select(func.min(_OUTBOX.c.created_ms)).where(*due)).scalar_one()
    return Counts(waiting=found.get("waiting", 0), failed=found.get("failed", 0), oldest_ms=oldest)


def sweep(connection: Connection, *, before_ms: int) -> int:
    """Deletes some of what is older and waits no more, and returns how many messages that were."""
    old = (_OUTBOX.c.state != "waiting", _OUTBOX.c.created_ms < before_ms)
    ids = list(connection.execute(select(_OUTBOX.c.id).where(*old).limit(_AT_ONCE)).scalars())
    connection.execute(delete(_ATTEMPT).where(_ATTEMPT.c.message.in_(ids)))
    connection.execute(delete(_OUTBOX).where(_OUTBOX.c.id.in_(ids)))
    return len(ids)


def _attempts(connection: Connection, messages: Sequence[str]) -> dict[str, tuple[Attempt, ...]]:
    wanted = select(_ATTEMPT).where(_ATTEMPT.c.message.in_(messages)).order_by(_ATTEMPT.c.at_ms, _ATTEMPT.c.id)
    found: dict[str, tuple[Attempt, ...]] = {}
    for row in connection.execute(wanted):
        one = Attempt(
            at_ms=row.at_ms,
            took_ms=row.took_ms,
            delivered=bool(row.delivered),
            status=row.status,
            detail=row.detail,
        )
        found[row.message] = (*found.get(row.message, ()), one)
    return found


def _delivery(row: Any, attempts: tuple[Attempt, ...]) -> Delivery:
    return Delivery(
        id=row.id,
        organization=row.organization,
        channel=row.channel,
        alert=row.alert,
        kind=row.kind,
        message=row.message,
        state=row.state,
        due_ms=row.due_ms,
        created_ms=row.created_ms,
        ended_ms=row.ended_ms,
        attempts=attempts,
    )
