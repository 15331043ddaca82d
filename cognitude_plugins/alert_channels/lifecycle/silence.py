"""Silences: which alerts are told to nobody for a while."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from hooks import EVERY_ORGANIZATION

from ..channels.target import Target
from .standing import Standing

MATCHERS: Final = ("rule", "severity", "model", "provider", "key", "tag", "alert")


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """In ``[from_ms, until_ms)``, of alerts that have all of ``matchers``; without any, of every alert.

    ``operator`` says that a gateway admin has made it: no organization keeps its alerts from the gateway's channels.
    """

    id: str
    organization: str
    matchers: Mapping[str, str]
    from_ms: int
    until_ms: int
    by: str | None = None
    operator: bool = False
    comment: str | None = None
    created_ms: int = 0

    def covers(self, alert: Standing, target: Target, now: int) -> bool:
        """One of the gateway's own covers the alerts of every organization."""
        if self.organization not in (EVERY_ORGANIZATION, alert.organization):
            return False
        if target.organization == EVERY_ORGANIZATION and not self.operator:
            return False
        return self.from_ms <= now < self.until_ms and all(
            _of(alert, name) == value for name, value in self.matchers.items()
        )


def silenced(alert: Standing, target: Target, silences: Iterable[Silence], now: int) -> bool:
    return any(one.covers(alert, target, now) for one in silences)


def silent_until(alert: Standing, target: Target, silences: Sequence[Silence], now: datetime) -> datetime:
    """When it is silenced no more, also by those that begin meanwhile; ``now`` if it is not."""
    until = round(now.timestamp() * 1000)
    while ends := [one.until_ms for one in silences if one.covers(alert, target, until)]:
        until = max(ends)
        now = datetime.fromtimestamp(until / 1000, UTC)
    return now


def _of(alert: Standing, name: str) -> str | None:
    own = {"rule": alert.name, "severity": alert.severity, "alert": alert.id}
    return own[name] if name in own else alert.labels.get(name)
