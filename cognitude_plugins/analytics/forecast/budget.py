"""The day on which a budget runs out, and the first and the last day that are likely."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from .periods import Period
from .prospect import Prospect


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOut:
    """``used_up`` is the day on which it was used up already. Else the days on which it will be: the one expected, and
    those between which it is as likely as the prospect's intervals say. None is: not within the period.
    """

    used_up: date | None = None
    expected: date | None = None
    earliest: date | None = None
    latest: date | None = None


def run_out(budget: int, period: Period, spend: Mapping[date, int], today: date, prospect: Prospect | None) -> RunOut:
    """Of ``budget`` nano-dollars. ``spend`` is by day, with today's so far. Without a prospect, what is sure.

    That a sum up to some day is as high as what is left and that the budget lasts no longer than that day are the same
    event: so the days have the level of the intervals.
    """
    left = budget
    for day in sorted(one for one in spend if period.first <= one <= today):
        left -= spend[day]
        if left <= 0:
            return RunOut(used_up=day)
    if prospect is None:
        return RunOut()
    ahead = prospect.ahead[: (period.last - today).days + 1]
    return RunOut(
        expected=_reached(left, (one.expected for one in ahead), today),
        earliest=_reached(left, (one.high for one in ahead), today),
        latest=_reached(left, (one.low for one in ahead), today),
    )


def _reached(left: int, sums: Iterable[int], today: date) -> date | None:
    return next((today + timedelta(days=day) for day, spent in enumerate(sums) if spent >= left), None)
