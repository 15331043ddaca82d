"""Intervals of 95 % for the difference of two arms: Welch's for means, Newcombe's for rates of clustered calls."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

_Z: Final = 1.959963984540054
"""Of the standard normal distribution at 97.5 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Of ``n`` users: the mean, and the sum of squared deviations from it."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @property
    def of_mean(self) -> float:
        """The variance of the mean; infinite for fewer than two."""
        return self.squares / (self.n - 1) / self.n if self.n > 1 else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    low: float
    high: float


def welch(arm: Moments, control: Moments) -> Interval | None:
    """Of the difference of two means; None with fewer than two users in one of them."""
    if arm.n < 2 or control.n < 2:
        return None
    difference, variance = arm.mean - control.mean, arm.of_mean + control.of_mean
    if variance == 0:
        return Interval(low=difference, high=difference)
    freedom = variance**2 / (arm.of_mean**2 / (arm.n - 1) + control.of_mean**2 / (control.n - 1))
    reach = student(freedom) * sqrt(variance)
    return Interval(low=difference - reach, high=difference + reach)


def newcombe(arm: Moments, arm_calls: int, control: Moments, control_calls: int) -> Interval | None:
    """Of the difference of two rates (Newcombe 1998, method 10); None with fewer than two users in one of them.

    Wilson's interval is taken at the number of independent calls that would have the variance which the users' rates
    have (Korn and Graubard 1998): calls of one user are alike.
    """
    if arm.n < 2 or control.n < 2:
        return None
    first, second = _wilson(arm, arm_calls), _wilson(control, control_calls)
    difference = arm.mean - control.mean
    below = sqrt((arm.mean - first.low) ** 2 + (second.high - control.mean) ** 2)
    above = sqrt((first.high - arm.mean) ** 2 + (control.mean - second.low) ** 2)
    return Interval(low=difference - below, high=difference + above)


def _wilson(rate: Moments, calls: int) -> Interval:
    p = min(max(rate.mean, 0.0), 1.0)
    spread = p * (1 - p)
    n = float(rate.n) if rate.of_mean == 0 or spread == 0 else min(max(spread / rate.of_mean, 1.0), max(calls, 1))
    z = student(rate.n - 1)
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * sqrt(spread / n + z * z / (4 * n * n))
    return Interval(low=max(0.0, middle - reach), high=min(1.0, middle + reach))


def student(freedom: float) -> float:
    """Student's t at 97.5 % by its expansion in powers of 1 / freedom (Abramowitz and Stegun 26.7.5); from a table for
    less than three degrees, where that is off by more than a hundredth.
    """
    if freedom < 3:
        return 12.7062 if freedom < 2 else 4.3027
    z, v = _Z, freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4)
    )
