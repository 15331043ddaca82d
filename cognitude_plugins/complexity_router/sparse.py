"""Ridge regression on word n-grams, weighed by tf-idf, by conjugate gradients."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

from .linear import dot

LEAST_PROMPTS = 2
"""An n-gram that fewer prompts have tells nothing about others."""
_ROUNDS = 25
_SMALL = 1e-3


@dataclass(frozen=True, slots=True)
class Matrix:
    """One row of tf-idf per prompt, each of length 1, kept as which columns a row has and which rows a column.

    An entry is `rarity[column] * scale[row]`: a gram counts once per prompt, so no entry needs a place of its own.
    """

    buckets: tuple[int, ...]
    """Column → bucket."""
    prompts: tuple[int, ...]
    """Column → how many prompts have it, at least `LEAST_PROMPTS`."""
    rarity: tuple[float, ...]
    """Column → log((1 + prompts) / (1 + those that have it)) + 1."""
    rows: tuple[tuple[int, ...], ...]
    columns: tuple[tuple[int, ...], ...]
    scale: tuple[float, ...]

    @classmethod
    def of(cls, prompts: Sequence[Sequence[int]]) -> Matrix:
        counts = Counter[int]()
        for one in prompts:
            counts.update(set(one))
        buckets = tuple(sorted(bucket for bucket, times in counts.items() if times >= LEAST_PROMPTS))
        place = {bucket: column for column, bucket in enumerate(buckets)}
        rarity = tuple(math.log((1 + len(prompts)) / (1 + counts[bucket])) + 1 for bucket in buckets)
        rows = tuple(tuple(sorted(place[one] for one in set(prompt) & place.keys())) for prompt in prompts)
        columns: list[list[int]] = [[] for _ in buckets]
        for index, row in enumerate(rows):
            for column in row:
                columns[column].append(index)
        lengths = [math.sqrt(sum([rarity[column] ** 2 for column in row])) for row in rows]
        return cls(
            buckets,
            tuple(counts[bucket] for bucket in buckets),
            rarity,
            rows,
            tuple(map(tuple, columns)),
            tuple(1 / one if one else 0.0 for one in lengths),
        )

    def times(self, slopes: Sequence[float]) -> list[float]:
        """Row → its product with the slopes, one per column."""
        weighed = list(map(mul, self.rarity, slopes)).__getitem__
        return [scale * sum(map(weighed, row)) for scale, row in zip(self.scale, self.rows, strict=True)]

    def back(self, values: Sequence[float]) -> list[float]:
        """Column → its product with the values, one per row."""
        weighed = list(map(mul, self.scale, values)).__getitem__
        return [rare * sum(map(weighed, column)) for rare, column in zip(self.rarity, self.columns, strict=True)]


def ridge(matrix: Matrix, targets: Sequence[float], weights: Sequence[float], alpha: float) -> list[float]:
    """Column → slope, for the least weighted squares plus `alpha` times the squared slopes.

    A weight of 0 leaves a row out. `targets` should be about 0 in the mean: there is no intercept.
    """
    slopes = [0.0] * len(matrix.buckets)
    rest = matrix.back(list(map(mul, weights, targets)))
    way = rest
    size = first = dot(rest, rest)
    for _ in range(_ROUNDS):
        if size <= _SMALL**2 * first:
            break
        bent = matrix.back(list(map(mul, weights, matrix.times(way))))
        bent = [one + alpha * step for one, step in zip(bent, way, strict=True)]
        far = size / dot(way, bent)
        slopes = [one + far * step for one, step in zip(slopes, way, strict=True)]
        rest = [one - far * step for one, step in zip(rest, bent, strict=True)]
        before, size = size, dot(rest, rest)
        way = [one + size / before * step for one, step in zip(rest, way, strict=True)]
    return slopes
