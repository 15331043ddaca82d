"""Intervals that hold what they say: from errors that forecasts had before, of other series and of this one.

Errors are measured in an outlook's yardstick. Those of many generated series are in a table of quantiles by days of
history and days ahead (split conformal prediction: Vovk, Gammerman and Shafer 2005). A history's own errors are mixed
in with the weight they have: those of overlapping times count as often as there are times that do not overlap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import log
from typing import Final

TABLE_WEIGHT: Final = 10.0
"""For how many own errors the table counts."""
_POINTS: Final = 40
"""In how many equal parts the table's distribution is mixed with own errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """``quantiles[history][ahead]`` are those at ``probabilities`` after ``history`` days, of the ``ahead`` next."""

    probabilities: tuple[float, ...]
    history: tuple[int, ...]
    ahead: tuple[int, ...]
    quantiles: tuple[tuple[tuple[float, ...], ...], ...]

    def row(self, history: int, ahead: float) -> tuple[float, ...]:
        """The quantiles for any number of days, between those that are known; at the edges those of the edge."""
        lower, upper, share = _between(self.history, history)
        low, high = self._ahead(lower, ahead), self._ahead(upper, ahead)
        return _mixed(low, high, share)

    def _ahead(self, history: int, ahead: float) -> tuple[float, ...]:
        lower, upper, share = _between(self.ahead, ahead)
        return _mixed(self.quantiles[history][lower], self.quantiles[history][upper], share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """Errors of a history's own past forecasts, sorted, which count as ``weight`` errors."""

    errors: tuple[float, ...] = ()
    weight: float = 0.0


def quantiles(row: Sequence[float], at: Sequence[float], own: Own, wanted: Sequence[float]) -> tuple[float, ...]:
    """Those ``wanted`` of the table's ``row``, whose quantiles are ``at`` these probabilities, mixed with ``own``."""
    if not own.errors:
        return tuple(_interpolated(at, row, one) for one in wanted)
    points = [(_interpolated(at, row, (index + 0.5) / _POINTS), TABLE_WEIGHT / _POINTS) for index in range(_POINTS)]
    points += [(error, own.weight / len(own.errors)) for error in own.errors]
    points.sort()
    total = TABLE_WEIGHT + own.weight
    reached = [weight / total for weight in accumulate(weight for _, weight in points)]
    centres = [upto - weight / total / 2 for upto, (_, weight) in zip(reached, points, strict=True)]
    return tuple(_interpolated(centres, [value for value, _ in points], one) for one in wanted)


def _between(grid: Sequence[int], value: float) -> tuple[int, int, float]:
    """The places in the grid around a value, and how far it is from the first to the second (of the logarithm)."""
    if value <= grid[0]:
        return 0, 0, 0.0
    if value >= grid[-1]:
        return len(grid) - 1, len(grid) - 1, 0.0
    upper = bisect_right(grid, value)
    low, high = grid[upper - 1], grid[upper]
    return upper - 1, upper, log(value / low) / log(high / low)


def _mixed(low: Sequence[float], high: Sequence[float], share: float) -> tuple[float, ...]:
    return tuple(one + share * (other - one) for one, other in zip(low, high, strict=True))


def _interpolated(places: Sequence[float], values: Sequence[float], wanted: float) -> float:
    """Of a curve through the values at these places, which grow; flat outside."""
    upper = bisect_right(places, wanted)
    if upper == 0:
        return values[0]
    if upper == len(places):
        return values[-1]
    low, high = places[upper - 1], places[upper]
    return values[upper - 1] + (wanted - low) / (high - low) * (values[upper] - values[upper - 1])
