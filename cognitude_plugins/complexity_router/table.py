"""Labelled prompts made ready to learn from: deviations from the mean, kinds, folds."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul, sub
from typing import Final

from . import kinds
from .features import Features
from .model import FAR, MOST_DEVIATIONS

FOLDS: Final = 4
LEAST_SUPPORT: Final = 30
"""A value that fewer rows have otherwise than most is not learned from; of few rows, a tenth of them."""
LEAST_DEVIATION: Final = 0.05
"""A value that never differed among the labels is strange as soon as it differs by a few twentieths."""


@dataclass(frozen=True, slots=True)
class Example:
    """`gain` is the quality of the strong answer less that of the weak one, qualities being from 0 to 1."""

    features: Features
    gain: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One row per label, in order; `folds` and `kinds` say to which of them a row belongs."""

    gains: list[float]
    weights: list[float]
    grams: list[tuple[int, ...]]
    centre: list[float]
    steepness: list[float]
    deviations: list[list[float]]
    """At most `FAR` either way."""
    learned: list[list[float]]
    """The same, at most `MOST_DEVIATIONS`, and 0 in every column without `LEAST_SUPPORT`."""
    centres: list[list[float]]
    """Kind → its middle, in deviations of at most `MOST_DEVIATIONS`."""
    kinds: list[int]
    folds: list[int]

    @classmethod
    def of(cls, examples: Sequence[Example], *, seed: int) -> Table:
        columns = list(zip(*(one.features.values for one in examples), strict=True))
        centre = [sum(column) / len(column) for column in columns]
        steepness = [1 / _deviation(column, middle) for column, middle in zip(columns, centre, strict=True)]
        rows = [list(map(mul, map(sub, one.features.values, centre), steepness)) for one in examples]
        held = [limited(row, MOST_DEVIATIONS) for row in rows]
        centres = kinds.centres(held, kinds.how_many(len(held)), seed=seed)
        supported = [float(_supported(column)) for column in columns]
        chance = random.Random(seed)
        return cls(
            gains=[one.gain for one in examples],
            weights=[one.weight for one in examples],
            grams=[one.features.grams for one in examples],
            centre=centre,
            steepness=steepness,
            deviations=[limited(row, FAR) for row in rows],
            learned=[list(map(mul, row, supported)) for row in held],
            centres=centres,
            kinds=kinds.nearest(held, centres),
            folds=[chance.randrange(FOLDS) for _ in rows],
        )

    def members(self, kind: int) -> list[int]:
        return [index for index, one in enumerate(self.kinds) if one == kind]


def limited(row: Sequence[float], most: float) -> list[float]:
    return [max(-most, min(most, value)) for value in row]


def _deviation(column: Sequence[float], middle: float) -> float:
    return max(LEAST_DEVIATION, math.sqrt(sum([(value - middle) ** 2 for value in column]) / len(column)))


def _supported(column: Sequence[float]) -> bool:
    usual = Counter(column).most_common(1)[0][1]
    return len(column) - usual >= min(LEAST_SUPPORT, len(column) / 10)
