"""The rows of alerts, their history and silences: what is read and written within a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hooks import EVERY_ORGANIZATION

from ..tables import Alert, AlertEvent, AlertSilence, AlertTick
from .silence import Silence
from .standing import Heard, Standing

ALERT: Final[Any] = Alert.__table__  # type: ignore[attr-defined]
EVENT: Final[Any] = AlertEvent.__table__  # type: ignore[attr-defined]
_SILENCE: Final[Any] = AlertSilence.__table__  # type: ignore[attr-defined]
_TICK: Final[Any] = AlertTick.__table__  # type: ignore[attr-defined]

_INSERTS: Final[Mapping[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_PLAIN: Final = (
    "id",
    "organization",
    "rule",
    "subject",
    "state",
    "severity",
    "title",
    "value",
    "threshold",
    "pending_ms",
    "fired_ms",
    "acknowledged_ms",
    "acknowledged_by",
    "resolved_ms",
)
_SILENCE_PLAIN: Final = ("id", "organization", "from_ms", "until_ms", "by", "operator", "comment")
_DETAIL: Final = ("name", "series", "repeat_ms", "window", "channels", "labels", "facts", "data", "heard")


def open_alerts(
    connection: Connection, organizations: Iterable[str] | None = None, *, locked: bool = False
) -> list[Standing]:
    """Those that are in the way of another one; with None of all organizations."""
    wanted = select(ALERT).where(ALERT.c.open_key.is_not(None)).order_by(ALERT.c.id)
    if organizations is not None:
        wanted = wanted.where(ALERT.c.organization.in_(sorted(organizations)))
    rows = connection.execute(wanted.with_for_update() if locked else wanted)
    return [standing(dict(row)) for row in rows.mappings()]


def one_alert(connection: Connection, organization: str | None, id: str, *, locked: bool = False) -> Standing | None:
    """With None of any organization."""
    wanted = select(ALERT).where(ALERT.c.id == id)
    if organization is not None:
        wanted = wanted.where(ALERT.c.organization == organization)
    row = connection.execute(wanted.with_for_update() if locked else wanted).mappings().first()
    return None if row is None else standing(dict(row))


def add_alerts(connection: Connection, alerts: Sequence[Standing], now: int) -> None:
    if alerts:
        connection.execute(insert(ALERT), [_row(alert, now) for alert in alerts])


def put_alerts(connection: Connection, alerts: Sequence[Standing], now: int) -> None:
    for alert in alerts:
        connection.execute(update(ALERT).where(ALERT.c.id == alert.id).values(**_row(alert, now)))


def forget_alerts(connection: Connection, ids: Sequence[str]) -> None:
    """With their history."""
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        connection.execute(delete(EVENT).where(EVENT.c.alert.in_(some)))
        connection.execute(delete(ALERT).where(ALERT.c.id.in_(some)))


def forget_ended(connection: Connection, before: int) -> bool:
    """Some alerts that were resolved, and the silences that were over, before this time; whether there may be more."""
    over = (ALERT.c.state == "resolved", ALERT.c.open_key.is_(None), ALERT.c.resolved_ms < before)
    ids = [row.id for row in connection.execute(select(ALERT.c.id).where(*over).limit(500))]
    forget_alerts(connection, ids)
    connection.execute(delete(_SILENCE).where(_SILENCE.c.until_ms < before))
    return len(ids) == 500


def add_events(connection: Connection, events: Sequence[Mapping[str, Any]]) -> None:
    if events:
        connection.execute(insert(EVENT), list(events))


def history(connection: Connection, alert: str) -> list[Mapping[str, Any]]:
    wanted = select(EVENT).where(EVENT.c.alert == alert).order_by(EVENT.c.at_ms, EVENT.c.id)
    return [dict(row) for row in connection.execute(wanted).mappings()]


def silences(connection: Connection, now: int, organization: str | None = None) -> list[Silence]:
    """Those that are not over ``now``."""
    wanted = select(_SILENCE).where(_SILENCE.c.until_ms > now).order_by(_SILENCE.c.from_ms, _SILENCE.c.id)
    if organization is not None:
        wanted = wanted.where(_SILENCE.c.organization == organization)
    rows = connection.execute(wanted).mappings()
    return [Silence(**{**row, "matchers": json.loads(row["matchers"])}) for row in rows]


def add_silence(connection: Connection, silence: Silence) -> None:
    values = {name: getattr(silence, name) for name in _SILENCE_PLAIN}
    matchers = json.dumps(dict(silence.matchers))
    connection.execute(insert(_SILENCE).values(**values, matchers=matchers, created_ms=silence.created_ms))


def remove_silence(connection: Connection, organization: str, id: str) -> bool:
    """Whether it was there."""
    same = (_SILENCE.c.organization == organization, _SILENCE.c.id == id)
    return bool(connection.execute(delete(_SILENCE).where(*same)).rowcount)


def last_tick(connection: Connection, series: str, *, locked: bool = False) -> tuple[int, int, frozenset[str]]:
    """The due time of the last evaluation that was written, and of the one before it, 0 where there is none; and the
    rules that are to be looked at again.

    ``locked`` it waits for other evaluations of the series that are being written, and they for this transaction.
    """
    mine = (_TICK.c.organization == EVERY_ORGANIZATION, _TICK.c.series == series)
    wanted = select(_TICK.c.due_ms, _TICK.c.before_ms, _TICK.c.again).where(*mine)
    if not locked:
        row = connection.execute(wanted).first()
        return (0, 0, frozenset()) if row is None else (row.due_ms, row.before_ms, frozenset(json.loads(row.again)))
    first = {"organization": EVERY_ORGANIZATION, "series": series, "due_ms": 0, "before_ms": 0, "again": "[]"}
    made = _INSERTS[connection.dialect.name](_TICK).values(**first)
    connection.execute(made.on_conflict_do_nothing())
    row = connection.execute(wanted.with_for_update()).one()
    return row.due_ms, row.before_ms, frozenset(json.loads(row.again))


def put_tick(connection: Connection, series: str, due: int, before: int, again: Iterable[str]) -> None:
    mine = (_TICK.c.organization == EVERY_ORGANIZATION, _TICK.c.series == series)
    values = {"due_ms": due, "before_ms": before, "again": json.dumps(sorted(again))}
    connection.execute(update(_TICK).where(*mine).values(**values))


def standing(row: Mapping[str, Any]) -> Standing:
    detail = json.loads(row["detail"])
    return Standing(
        **{name: row[name] for name in _PLAIN},
        open=row["open_key"] is not None,
        name=detail["name"],
        series=detail["series"],
        repeat_ms=detail["repeat_ms"],
        window=detail["window"],
        channels=tuple(detail["channels"]),
        labels=detail["labels"],
        facts=tuple((name, value) for name, value in detail["facts"]),
        data=detail["data"],
        heard={channel: Heard(*one) for channel, one in detail["heard"].items()},
    )


def _row(alert: Standing, now: int) -> dict[str, Any]:
    detail = {name: getattr(alert, name) for name in _DETAIL}
    return {
        **{name: getattr(alert, name) for name in _PLAIN},
        "open_key": json.dumps(alert.key) if alert.open else None,
        "detail": json.dumps({**detail, "labels": dict(alert.labels), "data": dict(alert.data)}),
        "told_ms": alert.told_ms,
        "told": alert.told,
        "updated_ms": now,
    }
