"""What a router's scores are worth: the gap they recover, what they save, and how sure that is.

Prompts are sorted by score; the first x of them go to the strong model. PGR(x) = (quality(x) − weak) / (strong − weak).
Prompts that tie count in expectation over a random order: within a tie quality grows evenly.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import Final

COST_RATIO: Final = 100.0
"""How many times as much the strong model costs: GPT-4 and Mixtral."""
ROUNDS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Shares; `apgr` and its interval are None where the strong model is not better. See the data's README."""

    apgr: float | None
    low: float | None
    high: float | None
    saved_95: float
    saved_99: float
    cpt_50: float | None
    cpt_80: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Ends of ties, best scores first: how many prompts, and how much quality they gain, up to each."""

    counts: list[float]
    gains: list[float]
    weak: float
    """Summed over all prompts, like `gains`."""

    @property
    def apgr(self) -> float | None:
        """The area under PGR: of each tie a trapezium."""
        total, gap = self.counts[-1], self.gains[-1]
        if gap <= 0:
            return None
        widths = [b - a for a, b in zip([0.0, *self.counts], self.counts, strict=False)]
        heights = [a + b for a, b in zip([0.0, *self.gains], self.gains, strict=False)]
        return sum(map(mul, widths, heights)) / 2 / total / gap

    def first(self, wanted: float) -> float | None:
        """The least share of prompts to the strong model at which as much is gained; None where it never is."""
        count = gained = 0.0
        if wanted <= 1e-9:
            return 0.0
        for upto, gains in zip(self.counts, self.gains, strict=True):
            if gains >= wanted - 1e-9:
                return (count + (upto - count) * (wanted - gained) / (gains - gained)) / self.counts[-1]
            count, gained = upto, gains
        return None

    def saved(self, floor: float) -> float:
        """Of the cost of always asking the strong model, at the least share that keeps `floor` of its quality."""
        share = self.first(floor * (self.weak + self.gains[-1]) - self.weak)
        return (1 - (1.0 if share is None else share)) * (1 - 1 / COST_RATIO)

    def cpt(self, recovered: float) -> float | None:
        return self.first(recovered * self.gains[-1]) if self.gains[-1] > 0 else None


class Sorted:
    """Prompts in the order of a router's scores, for the curve of all of them or of a resample."""

    def __init__(self, scores: Sequence[float], weak: Sequence[float], strong: Sequence[float]) -> None:
        self._order = sorted(range(len(scores)), key=lambda index: -scores[index])
        ordered = [scores[index] for index in self._order]
        last = len(ordered) - 1
        self._ends = [index for index in range(len(ordered)) if index == last or ordered[index] != ordered[index + 1]]
        self._weak = [weak[index] for index in self._order]
        self._gains = [strong[index] - weak[index] for index in self._order]

    def curve(self, times: Sequence[int] | None = None) -> Curve:
        """`times`: how often each prompt was drawn, in the order they were given; once each without."""
        drawn = [1] * len(self._order) if times is None else [times[index] for index in self._order]
        counts = list(accumulate(drawn))
        gains = list(accumulate(map(mul, drawn, self._gains)))
        weak = sum(map(mul, drawn, self._weak))
        return Curve([counts[end] for end in self._ends], [gains[end] for end in self._ends], weak)


def figures(scores: Sequence[float], weak: Sequence[float], strong: Sequence[float], *, seed: int) -> Figures:
    """With a 95 % interval of the APGR from `ROUNDS` bootstrap samples of prompts, the same for every router."""
    ordered = Sorted(scores, weak, strong)
    curve = ordered.curve()
    drawn = sorted(_resampled(ordered, len(scores), seed)) if curve.apgr is not None else []
    return Figures(
        apgr=curve.apgr,
        low=drawn[int(0.025 * len(drawn))] if drawn else None,
        high=drawn[int(0.975 * len(drawn))] if drawn else None,
        saved_95=curve.saved(0.95),
        saved_99=curve.saved(0.99),
        cpt_50=curve.cpt(0.5),
        cpt_80=curve.cpt(0.8),
    )


def _resampled(ordered: Sorted, count: int, seed: int) -> list[float]:
    chance = random.Random(seed)
    found = []
    for _ in range(ROUNDS):
        times = [0] * count
        for index in chance.choices(range(count), k=count):
            times[index] += 1
        area = ordered.curve(times).apgr
        if area is not None:
            found.append(area)
    return found
