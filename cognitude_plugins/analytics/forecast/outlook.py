"""What is expected of the days ahead, from the days there were: level, weekday and a damped trend, with a yardstick.

The trend is a straight line through the last eight weeks without their weekdays. It is drawn towards none by as much
as it is uncertain (the positive-part estimator of James and Stein), and loses a twentieth each day ahead: a trend that
goes on unchanged is the costliest mistake of forecasts (Gardner and McKenzie 1985).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, sqrt
from typing import Final

from .daily import Daily
from .levels import Level, levels

_TREND_DAYS: Final = 56
_LEAST_TREND_DAYS: Final = 14
_TREND_DOUBT: Final = 9.0
"""Squared t-value up to which a trend is taken for chance."""
_DAMPING: Final = 0.95
_LEAST_FACTOR: Final = 0.2
_BURST: Final = 4.0
"""A day counts for the trend as at most so many levels."""
_ERROR_DAYS: Final = 42
_DOUBT_DAYS: Final = 4
_DOUBT: Final = 0.35
"""Error of a day ahead before any is known, of the level; it counts as much as `_DOUBT_DAYS` days that are known."""
_LEAST_SIZE: Final = 0.2
_SHARE: Final = 0.1
"""Error of a sum of many days, of the sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """As of the end of a day. ``weekday`` is of the day after; money in nano-dollars, ``slope`` of the first day.

    ``day_error`` is of a day that is as the mean of the week.
    """

    level: Level
    weekday: int
    slope: float
    day_error: float

    def days(self, count: int) -> list[float]:
        """What is expected of each of the next days."""
        found, level, slope = [], self.level.level, self.slope
        for ahead in range(count):
            slope *= _DAMPING
            level = max(level + slope, 0.0)
            found.append(level * self.level.weekdays[(self.weekday + ahead) % 7])
        return found

    def sums(self, count: int) -> list[float]:
        """What is expected of the next day, the next two days, and so on."""
        return list(accumulate(self.days(count)))

    def yardstick(self, days: float, expected: float) -> float:
        """What errors of a sum of so many days are measured in: more than 0. Of the first one it may be a part, or
        nothing when all that a day usually brings is there."""
        return max(sqrt(self._squares(days) * self.day_error**2 + (_SHARE * expected) ** 2), 1.0)

    def _squares(self, days: float) -> float:
        """Of the days' sizes, in days as the mean of the week: little can go wrong on a day with little spend."""
        squares = [_size(self.level, self.weekday + ahead) ** 2 for ahead in range(7)]
        later = max(ceil(days) - 1, 0)
        weeks, rest = divmod(later, 7)
        part = days - later
        return part * squares[0] + weeks * sum(squares) + sum(squares[(1 + day) % 7] for day in range(rest))


class Course:
    """The outlooks there were after each day of a history. Outlooks are made when they are asked for."""

    def __init__(self, daily: Daily) -> None:
        self.daily: Final = daily
        self._levels: Final = levels(daily.spend, daily.weekday)
        self._squares: Final = list(accumulate(_squared_errors(daily, self._levels)))

    def after(self, days: int) -> Outlook:
        """As it was when the first ``days`` of the history (at least one) were known."""
        level = self._levels[days - 1]
        return Outlook(
            level=level,
            weekday=(self.daily.weekday + days) % 7,
            slope=_slope(self.daily, days, level),
            day_error=self._day_error(days, level.level),
        )

    def _day_error(self, days: int, level: float) -> float:
        known = min(days - 1, _ERROR_DAYS)
        squares = self._squares[days - 1] - self._squares[days - 1 - known]
        return sqrt((_DOUBT_DAYS * (_DOUBT * level) ** 2 + max(squares, 0.0)) / (_DOUBT_DAYS + known))


def _squared_errors(daily: Daily, known: Sequence[Level]) -> list[float]:
    """Of each day, as it was expected the evening before, by the size of its weekday; 0 of the first."""
    errors = [0.0]
    for day in range(1, len(daily)):
        level, weekday = known[day - 1], daily.weekday + day
        errors.append(((daily.spend[day] - level.expected(weekday)) / _size(level, weekday)) ** 2)
    return errors


def _size(level: Level, weekday: int) -> float:
    return max(level.weekdays[weekday % 7], _LEAST_SIZE)


def _slope(daily: Daily, days: int, level: Level) -> float:
    """Nano-dollars a day, a day."""
    count = min(days, _TREND_DAYS)
    if count < _LEAST_TREND_DAYS or level.level <= 0:
        return 0.0
    most = _BURST * level.level
    plain = [
        min(daily.spend[day] / max(level.weekdays[(daily.weekday + day) % 7], _LEAST_FACTOR), most)
        for day in range(days - count, days)
    ]
    middle, mean = (count - 1) / 2, sum(plain) / count
    spread = count * (count * count - 1) / 12
    slope = sum((day - middle) * cost for day, cost in enumerate(plain)) / spread
    noise = sum((cost - mean - slope * (day - middle)) ** 2 for day, cost in enumerate(plain)) / (count - 2)
    certain = slope * slope * spread
    return slope * max(0.0, 1 - _TREND_DOUBT * noise / certain) if certain > 0 else 0.0
