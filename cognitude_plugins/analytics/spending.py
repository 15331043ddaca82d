"""What a forecast reads of the ledger: spend by day and by hour, in the zone of the organization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hooks import Gateway

_HISTORY: Final = timedelta(days=180)
_HOURS: Final = timedelta(days=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Nano-dollars by day from ``since`` to today, and by day and hour of the last four weeks; ``now`` in the zone."""

    now: datetime
    since: date
    days: Mapping[date, int]
    hours: Mapping[tuple[date, int], int]
    unpriced: int = 0
    """Calls whose cost is not known, and is in none of the sums."""

    @property
    def today(self) -> date:
        return self.now.date()


async def spending(gateway: Gateway, organization: str, now: datetime) -> Spending:
    """From the beginning of the year, or half a year ago. Raises `hooks.Unavailable`."""
    name = gateway.time_zone(organization)
    zone = ZoneInfo(name)
    local = now.astimezone(zone)
    since = min(local.date().replace(month=1, day=1), local.date() - _HISTORY)
    start = midnight(since, zone)
    days = await gateway.ledger.usage(organization, since=start, until=now, group_by=("day",), zone=name)
    recent = midnight(local.date() - _HOURS, zone)
    hours = await gateway.ledger.usage(organization, since=recent, until=now, group_by=("hour",), zone=name)
    return Spending(
        now=local,
        since=since,
        days={date.fromisoformat(one.group["day"]): one.cost_nano_usd for one in days},
        hours=_by_hour({datetime.fromisoformat(one.group["hour"]): one.cost_nano_usd for one in hours}),
        unpriced=sum(one.unpriced for one in days),
    )


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone)


def _by_hour(found: Mapping[datetime, int]) -> dict[tuple[date, int], int]:
    """An hour that a day has twice, when clocks are put back, counts as one."""
    hours: dict[tuple[date, int], int] = {}
    for at, cost in found.items():
        place = at.date(), at.hour
        hours[place] = hours.get(place, 0) + cost
    return hours
