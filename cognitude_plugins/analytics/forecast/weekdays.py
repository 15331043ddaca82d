"""What each day of the week is of the mean day, as far as that can be told from chance.

Of a weekday's last shares of the level the middle half counts. How far it is drawn to 1 depends on how much shares of
the same weekday differ and how much weekdays do (empirical Bayes: Morris 1983): a clear week is known after two, and
what looks like one by chance is not believed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import sqrt
from statistics import fmean
from typing import Final

_SHARES: Final = 8
"""Of each weekday."""
_MOST: Final = 5.0
_FIRST_DOUBT: Final = 2.0
"""For how many shares it counts that all days are alike, before it is known how much shares differ."""
_LEAST_KNOWN: Final = 8
_LEAST_DOUBT, _MOST_DOUBT = 0.1, 20.0
_LEAST_DIFFERENCE: Final = 0.02
_DOUBT: Final = 4.5
"""For so many times the variance within weekdays, by that between them: twice, and what the middle half hides."""


class Weekdays:
    """``factors`` have mean 1."""

    def __init__(self) -> None:
        self.factors: tuple[float, ...] = (1.0,) * 7
        self._shares: Final = tuple(deque[float](maxlen=_SHARES) for _ in range(7))

    def learn(self, weekday: int, share: float) -> None:
        """``share`` is what was spent, of the level."""
        self._shares[weekday].append(min(share, _MOST))
        middles = [_middle(shares) if shares else 1.0 for shares in self._shares]
        doubt = self._doubt(middles)
        factors = [
            (doubt + len(shares) * middle) / (doubt + len(shares))
            for shares, middle in zip(self._shares, middles, strict=True)
        ]
        mean = sum(factors) / 7
        if mean > 0:
            self.factors = tuple(one / mean for one in factors)

    def _doubt(self, middles: Sequence[float]) -> float:
        within = [
            abs(share - middle)
            for shares, middle in zip(self._shares, middles, strict=True)
            if len(shares) > 1
            for share in shares
        ]
        if len(within) < _LEAST_KNOWN:
            return _FIRST_DOUBT
        between = max(sqrt(fmean((middle - 1) ** 2 for middle in middles)), _LEAST_DIFFERENCE)
        return min(max(_DOUBT * (fmean(within) / between) ** 2, _LEAST_DOUBT), _MOST_DOUBT)


def _middle(shares: deque[float]) -> float:
    """The mean without the lowest and the highest quarter."""
    ordered, cut = sorted(shares), len(shares) // 4
    return fmean(ordered[cut : len(ordered) - cut])
