"""An alert as it stands between two evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from hooks import Severity

from .observation import Observation

State = Literal["pending", "firing", "acknowledged", "resolved"]


class Key(NamedTuple):
    """What there is one alert of at a time."""

    organization: str
    rule: str
    subject: str


class Heard(NamedTuple):
    """How often a channel was told that it fires, and when last; 0 where it must be told anew."""

    times: int
    last_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``open`` is true until it is resolved, and for one that was resolved by hand until its rule holds again, or its
    ``window`` is over: so long no other is opened in its place.

    ``series`` is whose evaluation it is of. ``heard`` is by the channel's id.
    """

    id: str
    organization: str
    rule: str
    subject: str
    name: str
    series: str
    state: State
    severity: Severity
    title: str
    pending_ms: int
    open: bool = True
    value: float | None = None
    threshold: float | None = None
    fired_ms: int | None = None
    acknowledged_ms: int | None = None
    acknowledged_by: str | None = None
    resolved_ms: int | None = None
    repeat_ms: int | None = None
    window: str = ""
    channels: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    facts: tuple[tuple[str, str], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    heard: Mapping[str, Heard] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return Key(self.organization, self.rule, self.subject)

    @property
    def told(self) -> int:
        return max((one.times for one in self.heard.values()), default=0)

    @property
    def told_ms(self) -> int | None:
        return max((one.last_ms for one in self.heard.values()), default=None)

    def as_defined(self, seen: Observation) -> Standing:
        """With what its rule says now."""
        return replace(
            self,
            name=seen.name,
            severity=seen.severity,
            threshold=seen.threshold,
            repeat_ms=milliseconds(seen),
            channels=tuple(seen.channels),
            labels=dict(seen.labels),
        )

    def as_seen(self, seen: Observation) -> Standing:
        """With what was found now."""
        return replace(self, title=seen.title, value=seen.value, facts=tuple(seen.facts), data=dict(seen.data))


def milliseconds(seen: Observation) -> int | None:
    """After which it is told again."""
    return None if seen.repeat is None else round(seen.repeat.total_seconds() * 1000)


def key_of(seen: Observation) -> Key:
    return Key(seen.organization, seen.rule, seen.subject)
