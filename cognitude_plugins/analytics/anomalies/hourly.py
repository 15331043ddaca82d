"""What anomalies read of the ledger: the hours of an organization, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from hooks import Gateway, Unanswerable

from .score import WEEK, WEEKS, Hour

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
    """Whole hours of ``[since, until)`` and of the weeks before that they are compared with; of UTC, which are kept
    longest.

    Where hours are not kept of all the weeks before, it is of what there is of them. Raises `hooks.Unavailable`, and
    `hooks.Unanswerable` where the ledger does not keep hours of ``[since, until)``.
    """
    begin = since.astimezone(UTC).replace(minute=0) - _BEFORE
    end = until.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    usage = partial(gateway.ledger.usage, organization, until=end, group_by=("hour",), quantiles=(QUANTILE,))
    try:
        found = await usage(since=begin)
    except Unanswerable as error:
        if error.since is None or error.since > since:
            raise
        found = await usage(since=error.since)
    known = {
        datetime.fromisoformat(one.group["hour"]): Hour(
            calls=one.calls,
            errors=one.errors,
            cost=one.cost_nano_usd,
            seconds=one.seconds[0] if one.seconds else None,
        )
        for one in found
    }
    return _without_gaps(known, end)


def _without_gaps(known: Mapping[datetime, Hour], until: datetime) -> Hourly:
    """Up to the last hour that is over."""
    if not known:
        return Hourly(first=until, hours=())
    first = min(known)
    count = max(0, (until - first) // _HOUR)
    return Hourly(first=first, hours=tuple(known.get(first + place * _HOUR, Hour()) for place in range(count)))
