"""Quiet hours: by the clock on the wall, also in the nights in which it is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..channels.target import QuietHours


def quiet_until(hours: QuietHours | None, zone: str, now: datetime) -> datetime | None:
    """When they end, if it is quiet ``now``.

    An end that the clock leaps over is when it has leapt; of one that it shows twice it is the next.
    """
    if hours is None or hours.start == hours.end:
        return None
    local = now.astimezone(zone_of(zone))
    clock, over_midnight = local.time().replace(fold=0), hours.end < hours.start
    within = (clock >= hours.start, clock < hours.end)
    if not (any(within) if over_midnight else all(within)):
        return None
    day = local.date() + timedelta(days=1 if over_midnight and clock >= hours.start else 0)
    ends = (datetime.combine(day, hours.end.replace(fold=fold), local.tzinfo).astimezone(UTC) for fold in (0, 1))
    return next((end for end in ends if end > now), None)


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """UTC for one that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
