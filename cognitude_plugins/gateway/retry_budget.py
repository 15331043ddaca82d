"""How many more calls a provider may get than it was sent: a share of the recent, and a few each second.

As Finagle's ``RetryBudget`` (com.twitter.finagle.service): a provider that fails must not be called twice as often for
it.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

_HALF_SECONDS: Final = 5.0
"""A call pays for retries in the five to ten seconds after it."""

_WHOLE: Final = 1 - 1e-9
"""Five shares of 0.2 are a retry, whatever their sum is in binary."""


class RetryBudget:
    """Calls are paid in, retries taken out. ``per_second`` is there without any calls, saved up for one second."""

    __slots__ = ("_clock", "_old", "_per_second", "_recent", "_reserve", "_seen", "_share", "_until")

    def __init__(self, percent: float, per_second: float, clock: Callable[[], float] = monotonic) -> None:
        self._share = percent / 100
        self._per_second = per_second
        self._clock = clock
        self._recent = self._old = 0.0
        self._reserve = per_second
        self._seen = clock()
        self._until = self._seen + _HALF_SECONDS

    def deposit(self) -> None:
        """A call was made."""
        now = self._clock()
        if now >= self._until:
            self._turn(now)
        self._recent += self._share

    def withdraw(self) -> bool:
        """Whether one more may be made; if so it is counted."""
        now = self._clock()
        if now >= self._until:
            self._turn(now)
        self._reserve = min(self._per_second, self._reserve + (now - self._seen) * self._per_second)
        self._seen = now
        if self._old + self._recent >= _WHOLE:
            from_old = min(1.0, self._old)
            self._old -= from_old
            self._recent = max(0.0, self._recent - (1 - from_old))
            return True
        if self._reserve >= 1:
            self._reserve -= 1
            return True
        return False

    def _turn(self, now: float) -> None:
        self._old = self._recent if now < self._until + _HALF_SECONDS else 0.0
        self._recent = 0.0
        self._until = now + _HALF_SECONDS
