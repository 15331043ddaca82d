"""What an evaluation comes to for one organization: the alerts that change, and the notices of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .observation import Observation
from .standing import Key, Standing, key_of
from .states import Change, NewId, changes
from .telling import Audience, Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``events`` are without an id."""

    added: Sequence[Standing] = ()
    changed: Sequence[Standing] = ()
    forgotten: Sequence[Standing] = ()
    events: Sequence[Mapping[str, Any]] = ()
    notices: Sequence[Notice] = ()

    @property
    def empty(self) -> bool:
        return not (self.added or self.changed or self.forgotten)


def evaluated(
    standing: Iterable[Standing],
    observations: Iterable[Observation],
    audience: Audience,
    now: int,
    series: str,
    new_id: NewId,
) -> Outcome:
    """``standing`` are the open alerts of the organization and the series."""
    before = {alert.key: alert for alert in standing}
    seen = {key_of(one): one for one in observations}
    made = [change for key, one in seen.items() for change in changes(before.get(key), one, now, series, new_id)]
    return _told(before, made, seen, audience, now)


def by_hand(alert: Standing, change: Change, audience: Audience, now: int) -> Outcome:
    """Of one alert, outside an evaluation."""
    return _told({alert.key: alert}, [change], {}, audience, now)


def _told(
    before: Mapping[Key, Standing],
    made: Sequence[Change],
    seen: Mapping[Key, Observation],
    audience: Audience,
    now: int,
) -> Outcome:
    """A resolved one's notice is due with the change itself, those of open ones whenever they are."""
    after = {alert.id: alert for alert in before.values()}
    for change in made:
        if change.before is not None:
            del after[change.before.id]
        if change.after is not None:
            after[change.after.id] = change.after
    ended = [one.after for one in made if one.after is not None and one.event == "resolved"]
    current = (_as_seen(alert, seen) for alert in after.values())
    notices, heard = audience.tell(current, ended, now)
    after |= {alert.id: alert for alert in heard}
    old = {alert.id: alert for alert in before.values()}
    return Outcome(
        added=[alert for id, alert in after.items() if id not in old],
        changed=[alert for id, alert in after.items() if id in old and alert != old[id]],
        forgotten=[alert for id, alert in old.items() if id not in after],
        events=[*_of_changes(made, now), *_of_notices(notices, now)],
        notices=notices,
    )


def _as_seen(alert: Standing, seen: Mapping[Key, Observation]) -> Standing:
    """What is told is what was found now."""
    one = seen.get(alert.key)
    if one is None or one.broken is None or alert.state == "resolved" or alert.window != one.window:
        return alert
    return alert.as_seen(one)


def _of_changes(made: Sequence[Change], now: int) -> list[Mapping[str, Any]]:
    events = []
    for change in made:
        alert = change.after
        if alert is not None and change.event:
            events.append(_event(alert, now, change.event, change.by, change.note))
    return events


def _of_notices(notices: Sequence[Notice], now: int) -> list[Mapping[str, Any]]:
    return [
        _event(alert, now, f"told_{notice.kind}", None, notice.target.name)
        for notice in notices
        for alert in notice.alerts
    ]


def _event(alert: Standing, now: int, kind: str, by: str | None, note: str | None) -> Mapping[str, Any]:
    return {
        "organization": alert.organization,
        "alert": alert.id,
        "at_ms": now,
        "kind": kind,
        "by": by,
        "note": note,
        "value": alert.value,
    }
