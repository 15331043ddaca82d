"""Days of a time zone as moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """One that this machine does not know is UTC."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def today(now: datetime, zone: str) -> date:
    return now.astimezone(zone_of(zone)).date()


def moment(day: date, clock: time, zone: str) -> datetime:
    """When the zone's clocks show this time, in UTC: the first time where they do twice, and where they skip it, as
    long after the last midnight as if they did not.
    """
    return datetime.combine(day, clock, zone_of(zone)).astimezone(UTC)


def begun(day: date, zone: str) -> datetime:
    """In UTC: midnight, or where clocks skip it the first moment of the day."""
    return moment(day, time(), zone)


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
