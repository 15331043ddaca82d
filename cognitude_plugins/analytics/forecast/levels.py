"""The level of daily spend, learned day by day without following single bursts.

Exponential smoothing with multiplicative factors of the weekday (Holt 1957, Winters 1960) whose errors are cut off at
some typical errors before they are learned from (Gelper, Fried and Croux 2010). A second large error in a row to the
same side is cut off less, a third less again: a burst ends, a new level stays. The constants are those with which
``make eval-forecast`` showed the least mean absolute error, to one digit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .weekdays import Weekdays

_SMOOTHING: Final = 0.1
"""How much of an error the level takes over; 1/n of the n-th day while that is more."""
_DEVIATION_SMOOTHING: Final = 0.06
_CUT_OFF: Final = 2.0
"""In typical (mean absolute) errors."""
_CUT_OFF_DAYS: Final = 7
"""Before a week is known, its weekend looks like an error."""
_RELAXING: Final = 1.5
"""By how much more errors may be for each one before in a row that was cut off at the same side."""
_FIRST_DEVIATION: Final = 0.5
"""Of the level, before there are errors."""
_LEAST_FACTOR: Final = 0.3
"""Weekdays below it do not make errors look typical that are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """After some days: ``level`` in nano-dollars a day, ``weekdays`` with mean 1, ``deviation`` the mean error."""

    level: float
    weekdays: tuple[float, ...]
    deviation: float

    def expected(self, weekday: int) -> float:
        return self.level * self.weekdays[weekday % 7]


def levels(spend: Iterable[int], weekday: int) -> list[Level]:
    """What was known after each of the days, of which the first is a ``weekday``."""
    learner = _Learner()
    return [learner.learn(cost, (weekday + day) % 7) for day, cost in enumerate(spend)]


class _Learner:
    def __init__(self) -> None:
        self._days = 0
        self._level = 0.0
        self._weekdays = Weekdays()
        self._deviation = 0.0
        self._streak = 0
        """Errors in a row that were cut off; negative below what was expected."""

    def learn(self, cost: int, weekday: int) -> Level:
        if self._days == 0:
            self._level, self._deviation = float(cost), _FIRST_DEVIATION * cost
        else:
            self._correct(cost, weekday)
        self._days += 1
        return Level(level=self._level, weekdays=self._weekdays.factors, deviation=self._deviation)

    def _correct(self, cost: int, weekday: int) -> None:
        factors = self._weekdays.factors
        factor = factors[weekday]
        scale = max(factor, _LEAST_FACTOR)
        error = self._cut_off(cost - self._level * factor, self._deviation * scale)
        gain = factor * 7 / sum(one * one for one in factors)
        self._level = max(self._level + max(_SMOOTHING, 1 / (self._days + 1)) * gain * error, 0.0)
        pace = max(_DEVIATION_SMOOTHING, 1 / (self._days + 2))
        self._deviation += pace * (abs(error) / scale - self._deviation)
        if self._level > 0:
            self._weekdays.learn(weekday, cost / self._level)

    def _cut_off(self, error: float, typical: float) -> float:
        most = _CUT_OFF * typical
        if abs(error) <= most or self._days < _CUT_OFF_DAYS:
            self._streak = 0
            return error
        side = 1 if error > 0 else -1
        self._streak = self._streak + side if self._streak * side > 0 else side
        most *= _RELAXING ** min(abs(self._streak) - 1, 20)
        return max(-most, min(most, error))
