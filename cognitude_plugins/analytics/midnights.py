"""Days of a time zone as moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(name: str) -> ZoneInfo:
    """Raises ``ValueError`` for what is no name of IANA's."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}") from None


def begun(day: date, zone: ZoneInfo) -> datetime:
    """In UTC: midnight, or where clocks skip it the first moment of the day."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def ended(day: date, zone: ZoneInfo) -> datetime:
    return begun(day + timedelta(days=1), zone)
