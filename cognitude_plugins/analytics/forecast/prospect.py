"""What will be spent from now to the end of each day ahead, when some of today is over and spent already."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from .past import Interval, Past


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """``spent`` so far in nano-dollars; ``over`` is the part of a day's spend that is usually spent by now, 0 … 1."""

    spent: int
    over: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """``ahead[0]`` is of the rest of today, ``ahead[1]`` of that and tomorrow, and so on. Money never shrinks."""

    ahead: tuple[Interval, ...]
    days: tuple[int, ...]
    """What is expected of each day in nano-dollars: of the rest of today, of tomorrow …"""


def prospect(past: Past, history: int, today: Today, *, days: int, level: float) -> Prospect:
    """Up to ``days`` days after today, with intervals at this level, after ``history`` whole days up to yesterday.

    ``past`` must have been made for ``days`` + 1.
    """
    expected = past.outlook(history).days(days + 1)
    expected[0] = rest_of_today(expected[0], today)
    left = 1 - today.over
    found = [past.interval(history, total, left + day, level) for day, total in enumerate(accumulate(expected))]
    return Prospect(ahead=tuple(_growing(found)), days=tuple(round(one) for one in expected))


def rest_of_today(whole: float, today: Today) -> float:
    """What today still brings when ``whole`` was expected of it yesterday.

    The later it is, the more today's own pace counts: the day's total is taken as ``whole`` · (1 - over) + spent, which
    is what was expected as long as the day goes as expected.
    """
    left = 1 - today.over
    return left * (whole * left + today.spent)


def _growing(found: list[Interval]) -> list[Interval]:
    """Bounds of longer times are no lower than those of shorter ones, and have what is expected between them."""
    grown: list[Interval] = []
    low = high = 0
    for one in found:
        low, high = max(low, one.low), max(high, one.high)
        grown.append(Interval(low=min(low, one.expected), expected=one.expected, high=max(high, one.expected)))
    return grown
