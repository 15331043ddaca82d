"""How long the layers took to answer lately."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil
from typing import Final

_KEPT: Final = 1000


class Timings:
    """Of the last thousand."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_KEPT)
        self.count = 0

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)
        self.count += 1

    def quantiles(self, *wanted: float) -> Sequence[float | None]:
        """In seconds, by nearest rank; None of nothing."""
        found = sorted(self._seconds)
        return [found[max(0, ceil(part * len(found)) - 1)] if found else None for part in wanted]
