"""The strategy ``latency``: the fastest deployment as seen of late, without sending everybody to it at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, Literal

from hooks import Call, Deployment, Vitals

from .fleet import Fleet

Measure = Literal["ewma", "p95", "peak_ewma"]

_KEPT_SECONDS: Final = 0.5
"""For how long a percentile is good: it is over two minutes, and takes some 0.1 ms to compute."""
_BUSY: Final = 1e9
"""Above every number of seconds."""
_LEAST: Final = 1e-6


class Fastest:
    """What has not been tried yet is first, with one call until it has answered.

    Of all calls the share ``explore`` goes to one that is not first, so that it is seen when it has become faster.
    """

    def __init__(
        self,
        fleet: Fleet,
        measure: Measure,
        *,
        tolerance: float,
        explore: float,
        random: Random,
        clock: Callable[[], float],
    ) -> None:
        self._fleet = fleet
        self._measure = measure
        self._tolerance = tolerance
        self._explore = explore
        self._random = random
        self._clock = clock
        self._p95: dict[str, tuple[float, float | None]] = {}

    def of(self, call: Call, among: Sequence[Deployment], *, counts: bool) -> Sequence[Deployment]:
        keys = self._peak_keys(among) if self._measure == "peak_ewma" else self._banded_keys(among)
        order = sorted(range(len(among)), key=keys.__getitem__)
        if self._explore and self._random.random() < self._explore:
            order.insert(0, order.pop(self._random.randrange(1, len(order))))
        return [among[index] for index in order]

    def _peak_keys(self, among: Sequence[Deployment]) -> list[tuple[float, float]]:
        """(peak seconds) x (calls under way + 1), as in Finagle's ``PeakEwma``."""
        vitals, draw = self._fleet.vitals, self._random.random
        keys = []
        for one in among:
            seen = vitals(one)
            peak, calls = seen.peak_seconds, seen.in_flight
            keys.append((_unseen(seen) if peak is None else max(peak, _LEAST) * (calls + 1), draw()))
        return keys

    def _banded_keys(self, among: Sequence[Deployment]) -> list[tuple[float, float, float]]:
        """Those within the tolerance of the fastest by their calls under way, the others by their seconds."""
        draw = self._random.random
        seen = [self._fleet.vitals(one) for one in among]
        seconds = [self._seconds(one, vitals) for one, vitals in zip(among, seen, strict=True)]
        known = [one for one in seconds if one is not None]
        most = max(min(known), _LEAST) * (1 + self._tolerance) if known else 0.0
        keys = []
        for one, vitals in zip(seconds, seen, strict=True):
            if one is None:
                keys.append((_unseen(vitals), 0.0, draw()))
            elif one <= most:
                keys.append((0.0, float(vitals.in_flight + 1), draw()))
            else:
                keys.append((one, 0.0, draw()))
        return keys

    def _seconds(self, deployment: Deployment, vitals: Vitals) -> float | None:
        if self._measure == "ewma":
            return vitals.seconds
        now = self._clock()
        kept = self._p95.get(deployment.id)
        if kept is None or now - kept[0] > _KEPT_SECONDS or kept[1] is None:
            kept = self._p95[deployment.id] = (now, vitals.quantile(0.95))
        return kept[1]


def _unseen(vitals: Vitals) -> float:
    """Before all others, unless it is being tried just now or has failed so far."""
    calls = vitals.in_flight
    return -1.0 if calls == 0 and vitals.error_rate == 0 else _BUSY + calls
