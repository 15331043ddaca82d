"""What anomalies read of the ledger: the hours of an organization, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from hooks import Gateway

from .anomaly_score import WEEK, WEEKS, Hour

QUANTILE: Final = 0.95
_HOUR: Final = timedelta(hours=1)
_BEFORE: Final = timedelta(hours=WEEKS * WEEK + 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hourly:
    """``hours[0]`` begins at ``first``, in UTC; it is the first with a call, or where reading began."""

    first: datetime
    hours: tuple[Hour, ...]

    def at(self, place: int) -> datetime:
        return self.first + place * _HOUR

    def places(self, since: datetime) -> range:
        """Of the hours from this time on."""
        return range(min(max(0, -((self.first - since) // _HOUR)), len(self.hours)), len(self.hours))


async def hourly(gateway: Gateway, organization: str, since: datetime, until: datetime) -> Hourly:
    """Whole hours of ``[since, until)`` and of the weeks before that they are compared with.

    Raises `hooks.Unavailable`, and ``ValueError`` where the ledger does not keep hours of that time.
    """
    zone = gateway.time_zone(organization)
    found = await gateway.ledger.usage(
        organization, since=since - _BEFORE, until=until, group_by=("hour",), zone=zone, quantiles=(QUANTILE,)
    )
    known = {
        datetime.fromisoformat(one.group["hour"]).astimezone(UTC): Hour(
            calls=one.calls,
            errors=one.errors,
            cost=one.cost_nano_usd,
            seconds=one.seconds[0] if one.seconds else None,
        )
        for one in found
    }
    return _without_gaps(known, until)


def _without_gaps(known: Mapping[datetime, Hour], until: datetime) -> Hourly:
    """Up to the last hour that is over; where a zone moves its clocks by half an hour, two hours may overlap."""
    if not known:
        return Hourly(first=until, hours=())
    first = min(known)
    hours = [Hour()] * max(0, (until - first) // _HOUR)
    for at, hour in known.items():
        place = (at - first) // _HOUR
        if place < len(hours):
            hours[place] = _sum(hours[place], hour)
    return Hourly(first=first, hours=tuple(hours))


def _sum(one: Hour, other: Hour) -> Hour:
    seconds = [each for each in (one.seconds, other.seconds) if each is not None]
    return Hour(
        calls=one.calls + other.calls,
        errors=one.errors + other.errors,
        cost=one.cost + other.cost,
        seconds=max(seconds) if seconds else None,
    )
