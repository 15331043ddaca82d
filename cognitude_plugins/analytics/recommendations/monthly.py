"""Dollars of a month, from nano-dollars of some days: what was, and the range it may lie in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .cells import Halves

MONTH_DAYS: Final = 30
NANO: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Nano-dollars per month of 30 days. ``low`` is the cautious amount in the half of the time in which it was less,
    ``high`` the bold one in the half in which it was more.
    """

    month: int
    low: int
    high: int

    @classmethod
    def of(cls, expected: Halves, *, cautious: Halves, bold: Halves, days: float) -> Saving:
        """Each of the two halves of ``days``."""
        month = monthly(sum(expected), days)
        low = monthly(2 * max(0, min(cautious)), days)
        high = monthly(2 * max(bold), days)
        return cls(month=month, low=min(low, month), high=max(high, month))


def monthly(nano_usd: int, days: float) -> int:
    return round(nano_usd * MONTH_DAYS / days)
