"""How a series of evaluations stands: its alerts, the silences, and when it was last written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from . import stored
from .silence import Silence
from .standing import Key, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """``standing`` are the alerts that are not resolved, and those that a hand has resolved too early.

    ``last`` is for when the last evaluation was written, ``before`` the one before it; 1970 if there was none.
    ``again`` are rules that it did not get to an end with.
    """

    standing: Mapping[Key, Standing]
    silences: Sequence[Silence]
    last: datetime
    before: datetime
    again: frozenset[str]


def look(connection: Connection, series: str, now: int) -> Seen:
    last, before, again = stored.last_tick(connection, series)
    return Seen(
        standing={alert.key: alert for alert in stored.open_alerts(connection) if alert.series == series},
        silences=stored.silences(connection, now),
        last=_moment(last),
        before=_moment(before),
        again=again,
    )


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
