"""Windows of the calendar in a time zone: from midnight, the full hour, Monday or the first of the month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def calendar_window(per: str, zone: str, now: int) -> tuple[int, int, int]:
    """Start and end of the window in which ``now`` lies, and the end of the next; milliseconds since 1970.

    ``per`` is second, minute, hour, day, week (from Monday) or month. Days begin at the zone's midnight and may have 23
    or 25 hours; an hour that a clock change repeats is two windows. A zone that this machine does not know is UTC.
    """
    return _window(per, zone, now // 1000)


@lru_cache(maxsize=4096)
def _window(per: str, zone: str, second: int) -> tuple[int, int, int]:
    tz = _zone(zone)
    start = _start(per, datetime.fromtimestamp(second, UTC).astimezone(tz))
    end = _next(per, start, tz)
    return _ms(start), _ms(end), _ms(_next(per, end, tz))


def _start(per: str, local: datetime) -> datetime:
    if per == "second":
        return local.replace(microsecond=0)
    if per == "minute":
        return local.replace(second=0, microsecond=0)
    if per == "hour":
        return local.replace(minute=0, second=0, microsecond=0)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if per == "week":
        return midnight - timedelta(days=local.weekday())
    return midnight.replace(day=1) if per == "month" else midnight


def _next(per: str, start: datetime, tz: ZoneInfo) -> datetime:
    """Of hours and less by the time that passes, of days and more by the calendar."""
    if per in ("second", "minute", "hour"):
        length = {"second": 1, "minute": 60, "hour": 3600}[per]
        return (start.astimezone(UTC) + timedelta(seconds=length)).astimezone(tz)
    if per == "month":
        return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    return start + timedelta(days=7 if per == "week" else 1)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
