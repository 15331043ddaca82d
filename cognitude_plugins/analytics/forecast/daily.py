"""What an organization spent on each whole day, as forecasts take it: no gaps, and no half days at either end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """``spend[0]`` are the nano-dollars of ``first``, ``spend[1]`` those of the day after, and so on to yesterday."""

    first: date
    spend: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.spend)

    @property
    def weekday(self) -> int:
        """Of the first day; Monday is 0."""
        return self.first.weekday()


def whole_days(spend: Mapping[date, int], *, since: date, today: date) -> Daily:
    """The days of ``[since, today)``; those that ``spend`` lacks are zero.

    Days before the first that cost anything are left out. So is that day itself, unless it is ``since``: use of a
    gateway hardly ever begins at midnight, so it is no whole day.
    """
    known = [day for day, cost in spend.items() if cost > 0 and since <= day < today]
    if not known:
        return Daily(first=today, spend=())
    first = min(known)
    if first > since:
        first += timedelta(days=1)
    days = (first + timedelta(days=ahead) for ahead in range((today - first).days))
    return Daily(first=first, spend=tuple(spend.get(day, 0) for day in days))
