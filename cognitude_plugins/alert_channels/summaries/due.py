"""Which summaries are due: each once, whatever clocks do. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from ..local_days import begun, moment, monday, today
from .settings import Summaries

Kind = Literal["daily", "weekly"]

GRACE: Final = timedelta(hours=6)
"""How late one is sent still, where no gateway was up at its time."""

_DAY: Final = timedelta(days=1)
_LENGTHS: Final[dict[Kind, int]] = {"daily": 1, "weekly": 7}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The days ``first`` to ``last`` of an organization's time zone."""

    kind: Kind
    organization: str
    zone: str
    first: date
    last: date

    @property
    def since(self) -> datetime:
        return begun(self.first, self.zone)

    @property
    def until(self) -> datetime:
        return begun(self.last + _DAY, self.zone)

    @property
    def before(self) -> datetime:
        """From here to ``since`` are as many days before."""
        return begun(self.first - _LENGTHS[self.kind] * _DAY, self.zone)

    @property
    def name(self) -> str:
        """``2026-11-28``, ``2026-W48`` or ``2026-11-20 to 2026-11-26``."""
        if self.kind == "daily":
            return self.last.isoformat()
        year, week, _ = self.first.isocalendar()
        whole = self.first == monday(self.first)
        return f"{year}-W{week:02}" if whole else f"{self.first.isoformat()} to {self.last.isoformat()}"

    def dedup_key(self, channel: str) -> str:
        """By the days it is of: whatever becomes of the time zone, a channel gets it once."""
        return f"summary:{self.kind}:{self.organization}:{self.last.isoformat()}:{channel}"


def span(kind: Kind, organization: str, zone: str, last: date) -> Span:
    """The one of which ``last`` is the last day."""
    first = last - (_LENGTHS[kind] - 1) * _DAY
    return Span(kind=kind, organization=organization, zone=zone, first=first, last=last)


def due(settings: Summaries, organization: str, zone: str, now: datetime) -> Iterator[Span]:
    """Those whose time was within the last `GRACE`."""
    day = today(now, zone)
    for sent_on in (day - _DAY, day):
        daily, weekly = settings.daily_clock, settings.weekly_clock
        if daily is not None and _is_time(sent_on, daily, zone, now):
            yield span("daily", organization, zone, sent_on - _DAY)
        if weekly is not None and sent_on.weekday() == weekly[0] and _is_time(sent_on, weekly[1], zone, now):
            yield span("weekly", organization, zone, sent_on - _DAY)


def _is_time(day: date, clock: time, zone: str, now: datetime) -> bool:
    begins = moment(day, clock, zone)
    return begins <= now < begins + GRACE
