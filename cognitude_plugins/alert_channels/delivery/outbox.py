"""The messages that are to be sent, in the database: what is put in here survives everything.

Of one message there is one row, and of one subject (``dedup_key``) to one channel one message. Who sends it claims the
row first, for a time; if he dies, another one sends it again with the same id, by which its receiver knows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import random
from typing import Any, Final

from sqlalchemy import Connection, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hooks import Message, Receipt

from ..tables import AlertAttempt, AlertOutbox
from .ids import new_id
from .packed import packed, unpacked
from .timetable import next_delay_ms

_OUTBOX: Final[Any] = AlertOutbox.__table__  # type: ignore[attr-defined]
_ATTEMPT: Final[Any] = AlertAttempt.__table__  # type: ignore[attr-defined]
_FIRST: Final[Any] = _OUTBOX.alias("first")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message that this process is to send now; ``attempts`` were made before."""

    message: Message
    channel: str
    attempts: int
    claim: str


def enqueue(
    connection: Connection,
    *,
    channel: str,
    dedup_key: str,
    message: Message,
    now_ms: int,
    due_ms: int | None = None,
    alert: str | None = None,
    thread: str | None = None,
) -> bool:
    """Whether it was new: to one channel the same ``dedup_key`` of an organization is sent once.

    ``channel`` is its id. One that says that something is over is not sent while another one to the channel that is
    about the same ``alert``, or of the same ``thread``, and says that it fires waits: or its receiver would hear of the
    end first, and of no end afterwards. ``message.id`` is replaced by one of the outbox. Within the caller's
    transaction: the message goes out if and only if that is committed.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = insert(_OUTBOX).values(
        id=new_id("msg", now_ms),
        dedup_key=f"{message.organization} {channel} {dedup_key}",
        organization=message.organization,
        channel=channel,
        alert=alert,
        thread=thread,
        kind=message.kind,
        message=packed(message),
        state="waiting",
        attempts=0,
        due_ms=now_ms if due_ms is None else due_ms,
        claimed_ms=0,
        created_ms=now_ms,
    )
    return connection.execute(new.on_conflict_do_nothing().returning(_OUTBOX.c.id)).first() is not None


def drop(connection: Connection, alert: str, *, now_ms: int) -> int:
    """How many messages of the alert are not to be sent any more: those that nobody has begun to send."""
    unsent = (_OUTBOX.c.alert == alert, _OUTBOX.c.attempts == 0, _OUTBOX.c.claimed_ms <= now_ms)
    return _end(connection, *unsent, now_ms=now_ms)


def drop_channel(connection: Connection, channel: str, *, now_ms: int) -> int:
    """Of a channel that is deleted."""
    return _end(connection, _OUTBOX.c.channel == channel, now_ms=now_ms)


def shed(connection: Connection, *, most: int, now_ms: int) -> int:
    """Give up what waits for a channel beyond so many, the oldest first; how many messages that were."""
    waiting = (_OUTBOX.c.state == "waiting", _OUTBOX.c.claimed_ms <= now_ms)
    newest = (_OUTBOX.c.created_ms.desc(), _OUTBOX.c.id.desc())
    place = func.row_number().over(partition_by=_OUTBOX.c.channel, order_by=newest)
    placed = select(_OUTBOX.c.id, place.label("place")).where(*waiting).subquery()
    beyond = _OUTBOX.c.id.in_(select(placed.c.id).where(placed.c.place > most))
    return _end(connection, beyond, _OUTBOX.c.claimed_ms <= now_ms, now_ms=now_ms, state="failed")


def waits(connection: Connection, now_ms: int) -> bool:
    """Whether there is anything to be claimed."""
    return connection.execute(select(_OUTBOX.c.id).where(_due(now_ms)).limit(1)).first() is not None


def claim(
    connection: Connection,
    *,
    claim: str,
    now_ms: int,
    until_ms: int,
    most: int,
    of_one_channel: int,
    of_one_organization: int,
    without: Collection[str] = (),
    without_organizations: Collection[str] = (),
) -> Sequence[Claimed]:
    """Messages that are due; nobody else gets them before ``until_ms``. To one channel, organizations take turns, and
    of each one the message that waits longest is the first.

    None of the channels and organizations ``without``, and of each other one at most so many.
    """
    free = (_OUTBOX.c.channel.not_in(without), _OUTBOX.c.organization.not_in(without_organizations))
    # The condition again: while a row was waited for, another one may have taken it.
    picked = (
        select(_OUTBOX.c.id)
        .where(_OUTBOX.c.id.in_(_shares(of_one_channel, of_one_organization, _due(now_ms), *free)), _due(now_ms))
        .order_by(_OUTBOX.c.due_ms, _OUTBOX.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    taken = (
        update(_OUTBOX)
        .where(_OUTBOX.c.id.in_(select(picked.c.id)))
        .values(claim=claim, claimed_ms=until_ms)
        .returning(_OUTBOX)
    )
    rows = _in_turn(connection.execute(taken).all())
    return [
        Claimed(message=unpacked(row.id, row.message), channel=row.channel, attempts=row.attempts, claim=claim)
        for row in rows
    ]


def settle(
    connection: Connection, one: Claimed, receipt: Receipt, *, began_ms: int, now_ms: int, jitter: float
) -> str | None:
    """Write down how it went, and return the message's state then; None if it is not ours any more: nothing is written.

    ``jitter`` in 0 … 1 spreads the next attempt over a tenth of the time until it.
    """
    attempts = one.attempts + 1
    delay = None if receipt.delivered or not receipt.retry else next_delay_ms(attempts, receipt.after, jitter)
    state = "sent" if receipt.delivered else "failed" if delay is None else "waiting"
    values = {"state": state, "attempts": attempts, "claim": None, "claimed_ms": 0}
    values |= {"ended_ms": now_ms} if delay is None else {"due_ms": now_ms + delay}
    if not _written(connection, one, values):
        return None
    connection.execute(
        _ATTEMPT.insert().values(
            id=new_id("try", began_ms),
            organization=one.message.organization,
            message=one.message.id,
            at_ms=began_ms,
            took_ms=max(0, now_ms - began_ms),
            delivered=receipt.delivered,
            status=receipt.status,
            detail=receipt.detail,
        )
    )
    return state


def give_back(connection: Connection, one: Claimed, *, due_ms: int | None = None) -> bool:
    """It was not sent, or nobody knows: it is due again, at once or later."""
    values: dict[str, Any] = {"claim": None, "claimed_ms": 0}
    return _written(connection, one, values if due_ms is None else {**values, "due_ms": due_ms})


def _shares(of_one_channel: int, of_one_organization: int, *which: Any) -> Any:
    """The ids of so many of each channel, and of them so many of each organization."""
    number, mine = func.row_number(), (_OUTBOX.c.due_ms, _OUTBOX.c.id)
    own = number.over(partition_by=(_OUTBOX.c.channel, _OUTBOX.c.organization), order_by=mine)
    first = select(_OUTBOX, own.label("own")).where(*which).subquery()
    turn = number.over(partition_by=first.c.channel, order_by=(first.c.own, func.random()))
    second = select(first, turn.label("turn")).subquery()
    share = number.over(partition_by=second.c.organization, order_by=(second.c.due_ms, second.c.id))
    third = select(second.c.id, share.label("share")).where(second.c.turn <= of_one_channel).subquery()
    return select(third.c.id).where(third.c.share <= of_one_organization)


def _in_turn(rows: Sequence[Any]) -> list[Any]:
    """The first is sent first where a receiver takes one at a time: of each organization the oldest, whoever's lot."""
    lots = {row.organization: random() for row in rows}
    counted: Counter[tuple[str, str]] = Counter()
    placed = []
    for row in sorted(rows, key=lambda row: (row.due_ms, row.id)):
        counted[row.channel, row.organization] += 1
        placed.append((counted[row.channel, row.organization], lots[row.organization], row.due_ms, row.id, row))
    return [row for *_, row in sorted(placed, key=lambda one: one[:4])]


def _due(now_ms: int) -> Any:
    mine = (_OUTBOX.c.state == "waiting", _OUTBOX.c.due_ms <= now_ms, _OUTBOX.c.claimed_ms <= now_ms)
    first = _FIRST.c
    same = or_(
        first.alert == _OUTBOX.c.alert, and_(first.thread == _OUTBOX.c.thread, first.created_ms < _OUTBOX.c.created_ms)
    )
    earlier = (first.kind == "firing", first.organization == _OUTBOX.c.organization, same)
    unsent = select(first.id).where(first.state == "waiting", first.channel == _OUTBOX.c.channel, *earlier)
    return and_(*mine, or_(_OUTBOX.c.kind != "resolved", ~unsent.exists()))


def _written(connection: Connection, one: Claimed, values: dict[str, Any]) -> bool:
    mine = (_OUTBOX.c.id == one.message.id, _OUTBOX.c.claim == one.claim, _OUTBOX.c.state == "waiting")
    return bool(connection.execute(update(_OUTBOX).where(*mine).values(**values)).rowcount)


def _end(connection: Connection, *which: Any, now_ms: int, state: str = "dropped") -> int:
    ended = {"state": state, "ended_ms": now_ms, "claim": None, "claimed_ms": 0}
    dropped = update(_OUTBOX).where(_OUTBOX.c.state == "waiting", *which).values(**ended)
    return int(connection.execute(dropped).rowcount)
