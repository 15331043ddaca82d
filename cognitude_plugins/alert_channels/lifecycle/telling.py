"""Who is to be told of what: the notices that are due after an evaluation of one organization."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

from ..channels.target import Target
from .quiet import quiet_until
from .silence import Silence, silenced, silent_until
from .standing import Heard, Standing

Told = Literal["firing", "resolved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to one channel; ``due_ms`` is when it may be sent, None for at once. Those that are told to the
    channel in the same messages have one ``thread``.
    """

    target: Target
    kind: Told
    alerts: tuple[Standing, ...]
    due_ms: int | None = None
    thread: str = ""

    @property
    def dedup_key(self) -> str:
        """The same for the same alerts, told to the same channel as the same time of telling."""
        numbers = [f"{one.id}:{one.heard[self.target.id].times}" for one in self.alerts]
        what = numbers[0] if len(numbers) == 1 else sha256(" ".join(sorted(numbers)).encode()).hexdigest()
        return f"{self.kind}:{what}:{self.target.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Those who may be told of one organization's alerts, and what is silent."""

    targets: Sequence[Target]
    silences: Sequence[Silence]
    zone: str

    def tell(
        self, standing: Iterable[Standing], ended: Iterable[Standing], now: int
    ) -> tuple[list[Notice], list[Standing]]:
        """The notices that are due, and the alerts that they change. ``ended`` were resolved just now.

        One that is firing is told to a channel once, and again after its repeat interval, but neither while it is
        silenced nor, unless it is critical, in the channel's quiet hours: what still fires then is told when they are
        over. What was resolved is told to those who have heard that it fired, and waits for the end of both.
        """
        moment = datetime.fromtimestamp(now / 1000, UTC)
        quiet = {target.id: quiet_until(target.quiet_hours, self.zone, moment) for target in self.targets}
        rooms = _Rooms()
        changed = []
        for alert in standing:
            due = [target for target in self._due(alert, now) if alert.severity == "critical" or not quiet[target.id]]
            due = [target for target in due if not silenced(alert, target, self.silences, now)]
            if due:
                told = _told(alert, due, now)
                changed.append(told)
                for target in due:
                    rooms.put(target, "firing", told, None)
        for alert in ended:
            for target in self.targets:
                if target.id in alert.heard:
                    loud = silent_until(alert, target, self.silences, moment)
                    until = None if alert.severity == "critical" else quiet_until(target.quiet_hours, self.zone, loud)
                    rooms.put(target, "resolved", alert, until or (None if loud == moment else loud))
        return rooms.notices(), changed

    def _due(self, alert: Standing, now: int) -> list[Target]:
        return [target for target in self.targets if _is_due(alert, target, now)] if alert.state == "firing" else []


def _is_due(alert: Standing, target: Target, now: int) -> bool:
    heard = alert.heard.get(target.id)
    if heard is not None and heard.last_ms > 0 and (alert.repeat_ms is None or now - heard.last_ms < alert.repeat_ms):
        return False
    named = not alert.channels or target.name in alert.channels
    return named and target.hears(alert.organization, alert.severity)


def _told(alert: Standing, targets: Iterable[Target], now: int) -> Standing:
    heard = dict(alert.heard)
    for target in targets:
        before = heard.get(target.id)
        heard[target.id] = Heard(1 if before is None else before.times + 1, now)
    return replace(alert, heard=heard)


class _Rooms:
    """Alerts by the message that they are in."""

    def __init__(self) -> None:
        self._rooms: dict[tuple[str, Told, int | None, str], tuple[Target, list[Standing]]] = {}

    def put(self, target: Target, kind: Told, alert: Standing, until: datetime | None) -> None:
        due = None if until is None else round(until.timestamp() * 1000)
        group = _GROUPS[target.group](alert)
        self._rooms.setdefault((target.id, kind, due, group), (target, []))[1].append(alert)

    def notices(self) -> list[Notice]:
        return [
            Notice(target=target, kind=kind, alerts=tuple(alerts), due_ms=due, thread=group)
            for (_, kind, due, group), (target, alerts) in self._rooms.items()
        ]


_GROUPS: dict[str, Callable[[Standing], str]] = {
    "none": lambda alert: alert.id,
    "rule": lambda alert: alert.rule.rpartition(":")[0] if alert.rule.startswith("budget:") else alert.rule,
    "all": lambda alert: "",
}
