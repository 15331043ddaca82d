"""What a forecast reads of the ledger: spend by day and by hour, in the zone of the organization."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hooks import Gateway, Ledger, Sums

from ..midnights import begun, ended, zone_of

_DAY: Final = timedelta(days=1)
_HISTORY: Final = timedelta(days=180)
_HOURS: Final = timedelta(days=28)
_SHORTER: Final = (timedelta(days=88), timedelta(days=28), timedelta(days=6))
"""Within what the ledger keeps of hours, minutes and calls unless it is told otherwise."""


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
    zone = zone_of(name)
    local = now.astimezone(zone)
    reading = _Reading(ledger=gateway.ledger, organization=organization, zone=zone, name=name, today=local.date())
    since = min(local.date().replace(month=1, day=1), local.date() - _HISTORY)
    days = await reading.days(since)
    return Spending(
        now=local,
        since=since,
        days=_by_day(days),
        hours=_by_hour(await reading.hours(local.date() - _HOURS)),
        unpriced=sum(one.unpriced for one in days),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    ledger: Ledger
    organization: str
    zone: ZoneInfo
    name: str
    today: date

    @property
    def end(self) -> datetime:
        """Of today: whole tiles are less to read than calls up to now."""
        return ended(self.today, self.zone)

    async def days(self, since: date) -> list[Sums]:
        """Of long ago the ledger may know days of UTC only: then those are taken for the zone's."""
        for begin in (since, *(self.today + _DAY - back for back in _SHORTER)):
            try:
                found = await self._usage("day", begun(begin, self.zone), self.end, self.name)
            except ValueError:
                continue
            before = await self._usage("day", begun(since, self.zone), begun(begin, self.zone), "UTC")
            return [*before, *found]
        return list(await self._usage("day", begun(since, self.zone), self.end, "UTC"))

    async def hours(self, since: date) -> tuple[Sums, ...]:
        """None where a zone's hours are not UTC's, and the ledger keeps too few minutes to tell."""
        try:
            return await self._usage("hour", begun(since, self.zone), self.end, self.name)
        except ValueError:
            return ()

    async def _usage(self, by: str, since: datetime, until: datetime, zone: str) -> tuple[Sums, ...]:
        if since >= until:
            return ()
        return await self.ledger.usage(self.organization, since=since, until=until, group_by=(by,), zone=zone)


def _by_day(found: Iterable[Sums]) -> dict[date, int]:
    days: dict[date, int] = {}
    for one in found:
        day = date.fromisoformat(one.group["day"])
        days[day] = days.get(day, 0) + one.cost_nano_usd
    return days


def _by_hour(found: Iterable[Sums]) -> dict[tuple[date, int], int]:
    """An hour that a day has twice, when clocks are put back, counts as one."""
    hours: dict[tuple[date, int], int] = {}
    for one in found:
        at = datetime.fromisoformat(one.group["hour"])
        place = at.date(), at.hour
        hours[place] = hours.get(place, 0) + one.cost_nano_usd
    return hours
