"""A stretch of time that ends now, divided into steps: five minutes, hours or days of a time zone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from ..midnights import begun, ended, zone_of

Range = Literal["1h", "24h", "today", "7d", "30d", "90d"]
Step = Literal["5min", "hour", "day"]

FIVE_MINUTES: Final = timedelta(minutes=5)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_QUARTER: Final = timedelta(minutes=15)
"""Every zone is a multiple of it away from UTC, and every change of its clocks happens at one."""
_CLOCKS: Final[Mapping[Range, tuple[Step, timedelta, timedelta]]] = {
    "1h": ("5min", FIVE_MINUTES, _HOUR),
    "24h": ("hour", _HOUR, _DAY),
    "7d": ("hour", _HOUR, 7 * _DAY),
}
"""Ranges of hours that all have 60 minutes: the step, how long one is, how long all of them are."""
_CALENDAR: Final[Mapping[Range, tuple[Step, int]]] = {"today": ("hour", 1), "30d": ("day", 30), "90d": ("day", 90)}
"""Ranges of days, which have 23 to 25 hours: the step, how many days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """``steps`` are when each begins, by the name that the ledger has for it (``2026-11-30``,
    ``2026-11-30T14:00+01:00``). The last one is under way and ends at ``until``.

    ``[before_since, before_until)`` is as long as ``[since, now)``, one range earlier.
    """

    step: Step
    steps: Mapping[str, datetime]
    since: datetime
    now: datetime
    until: datetime
    before_since: datetime
    before_until: datetime


def stretch(wanted: Range, now: datetime, zone: str) -> Stretch:
    """``now`` is taken to its minute, so that everything is read from sums."""
    minute, here = now.astimezone(UTC).replace(second=0, microsecond=0), zone_of(zone)
    return _of_clocks(wanted, minute, here) if wanted in _CLOCKS else _of_days(wanted, minute, here)


def _of_clocks(wanted: Range, minute: datetime, zone: ZoneInfo) -> Stretch:
    step, width, whole = _CLOCKS[wanted]
    under_way = _floor(minute, step, zone)
    since = under_way - whole + width
    return Stretch(
        step=step,
        steps=dict(_steps(step, since, minute, zone)),
        since=since,
        now=minute,
        until=under_way + width,
        before_since=since - whole,
        before_until=minute - whole,
    )


def _of_days(wanted: Range, minute: datetime, zone: ZoneInfo) -> Stretch:
    step, days = _CALENDAR[wanted]
    local = minute.astimezone(zone)
    first, whole = local.date() - (days - 1) * _DAY, days * _DAY
    since = begun(first, zone)
    return Stretch(
        step=step,
        steps=dict(_steps(step, since, minute, zone)),
        since=since,
        now=minute,
        until=ended(local.date(), zone),
        before_since=begun(first - whole, zone),
        before_until=(local.replace(tzinfo=None) - whole).replace(tzinfo=zone).astimezone(UTC),
    )


def _steps(step: Step, since: datetime, last: datetime, zone: ZoneInfo) -> Iterator[tuple[str, datetime]]:
    """From the one that ``since`` is in to the one that ``last`` is in, each once."""
    if step == "day":
        day = since.astimezone(zone).date()
        while day <= last.astimezone(zone).date():
            yield day.isoformat(), begun(day, zone)
            day += _DAY
        return
    known, at = "", since
    while at <= last:
        name = _floor(at, step, zone).astimezone(zone).isoformat(timespec="minutes")
        if name != known:
            known = name
            yield name, at
        at += FIVE_MINUTES if step == "5min" else _QUARTER


def _floor(when: datetime, step: Step, zone: ZoneInfo) -> datetime:
    local = when.astimezone(zone)
    minute = local.minute - local.minute % 5 if step == "5min" else 0
    return local.replace(minute=minute, second=0, microsecond=0).astimezone(UTC)
