"""What a history says about forecasts of it: their errors, and how often their intervals contained what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import sqrt
from typing import Final

from .conformal import Own, Table, quantiles
from .daily import Daily
from .outlook import Course, Outlook

LEAST_DAYS: Final = 3
"""Whole days without which there is no forecast."""
_MOST_ORIGINS: Final = 120
"""Errors of forecasts made before are not of use any more."""
_LEAST_OWN: Final = 2.0
"""Times without overlap under which a history's own errors are too few to be of use."""
_Z95: Final = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Nano-dollars."""

    low: int
    expected: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Of ``intervals`` for ``days`` days that followed each other in the past, ``contained`` had what came in them.

    ``low`` and ``high`` are the 95 % interval of the share that would be found with many more (Wilson 1927): wide for
    few. All three are None without any.
    """

    days: int
    intervals: int
    contained: int

    @property
    def share(self) -> float | None:
        return self.contained / self.intervals if self.intervals else None

    @property
    def low(self) -> float | None:
        return self._wilson(-1)

    @property
    def high(self) -> float | None:
        return self._wilson(+1)

    def _wilson(self, side: int) -> float | None:
        if not self.intervals:
            return None
        n, p, z = self.intervals, self.contained / self.intervals, _Z95
        reach = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return min(max((p + z * z / (2 * n) + side * reach) / (1 + z * z / n), 0.0), 1.0)


class Past:
    """Forecasts of a history as they would have been made after each of its days, for up to ``most`` days ahead."""

    def __init__(self, daily: Daily, table: Table, *, most: int) -> None:
        self.days: Final = len(daily)
        self._table: Final = table
        self._most: Final = most
        self._spent: Final = list(accumulate(daily.spend, initial=0))
        self._course: Final = Course(daily)
        self._outlooks: Final[dict[int, Outlook]] = {}
        self._sums: Final[dict[int, list[float]]] = {}

    def outlook(self, days: int) -> Outlook:
        if days not in self._outlooks:
            self._outlooks[days] = self._course.after(days)
        return self._outlooks[days]

    def sums(self, days: int) -> Sequence[float]:
        """What was expected after these days of the next, the next two, and so on."""
        if days not in self._sums:
            self._sums[days] = self.outlook(days).sums(self._most)
        return self._sums[days]

    def own(self, days: int, ahead: int) -> Own:
        """Errors that were known after these days, of forecasts for ``ahead`` days; none if they are too few."""
        last = days - ahead
        origins = range(max(LEAST_DAYS, last - _MOST_ORIGINS + 1), last + 1)
        if len(origins) < _LEAST_OWN * ahead:
            return Own()
        errors = tuple(sorted(self.error(origin, ahead) for origin in origins))
        return Own(errors=errors, weight=len(errors) / ahead)

    def error(self, days: int, ahead: int) -> float:
        """In yardsticks."""
        expected = self.sums(days)[ahead - 1]
        came = self._spent[days + ahead] - self._spent[days]
        return (came - expected) / self.outlook(days).yardstick(ahead, expected)

    def interval(self, days: int, expected: float, ahead: float, level: float) -> Interval:
        """Around what was expected after ``days`` days of the time ``ahead``, which may have a part of a day."""
        whole = max(1, min(round(ahead), self._most))
        row = self._table.row(days, ahead)
        tail = (1 - level) / 2
        low, high = quantiles(row, self._table.probabilities, self.own(days, whole), (tail, 1 - tail))
        unit = self.outlook(days).yardstick(ahead, expected)
        return Interval(
            low=max(0, round(expected + low * unit)),
            expected=round(expected),
            high=max(0, round(expected + high * unit)),
        )

    def kept(self, ahead: int, level: float) -> Kept:
        """How the intervals for ``ahead`` days did, of which the last ends with the history and none overlap."""
        origins = range(self.days - ahead, LEAST_DAYS - 1, -ahead)
        contained = 0
        for origin in origins:
            found = self.interval(origin, self.sums(origin)[ahead - 1], ahead, level)
            contained += found.low <= self._spent[origin + ahead] - self._spent[origin] <= found.high
        return Kept(days=ahead, intervals=len(origins), contained=contained)
