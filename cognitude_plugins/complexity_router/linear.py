"""Ridge regression on few columns: moments that can be added and taken away, solved by Cholesky."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import add, mul, sub
from typing import Self


def dot(one: Iterable[float], other: Iterable[float]) -> float:
    """As far as the shorter of them goes."""
    total: float = sum(map(mul, one, other))
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Weighted sums over rows: of weights, columns, products of columns, targets, and columns times targets.

    Sums of folds give the sum of all; the sum of all without one fold is what a held-out fit needs.
    """

    weight: float
    sums: list[float]
    products: list[list[float]]
    """Row i holds the products of column i with columns 0 to i."""
    target: float
    crossed: list[float]

    @classmethod
    def of(cls, rows: Sequence[Sequence[float]], targets: Sequence[float], weights: Sequence[float]) -> Self:
        columns = [list(column) for column in zip(*rows, strict=True)]
        weighed = [list(map(mul, column, weights)) for column in columns]
        return cls(
            weight=sum(weights),
            sums=[sum(column) for column in weighed],
            products=[[dot(heavy, columns[j]) for j in range(i + 1)] for i, heavy in enumerate(weighed)],
            target=dot(targets, weights),
            crossed=[dot(column, targets) for column in weighed],
        )

    @classmethod
    def none(cls, width: int) -> Self:
        flat = [0.0] * width
        return cls(weight=0, sums=flat, products=[[0.0] * (i + 1) for i in range(width)], target=0, crossed=flat)

    def __add__(self, other: Moments) -> Moments:
        return self._with(other, add)

    def __sub__(self, other: Moments) -> Moments:
        return self._with(other, sub)

    def _with(self, other: Moments, change: Callable[[float, float], float]) -> Moments:
        return Moments(
            weight=change(self.weight, other.weight),
            sums=list(map(change, self.sums, other.sums)),
            products=[list(map(change, a, b)) for a, b in zip(self.products, other.products, strict=True)],
            target=change(self.target, other.target),
            crossed=list(map(change, self.crossed, other.crossed)),
        )


@dataclass(frozen=True, slots=True)
class Line:
    """target = intercept + the products of `slopes` with the columns."""

    slopes: tuple[float, ...]
    intercept: float

    def at(self, row: Sequence[float]) -> float:
        return self.intercept + dot(self.slopes, row)


def ridge(moments: Moments, alpha: float, start: Sequence[float] | None = None) -> Line:
    """Least squares with `alpha` times the squared distance of the slopes from `start` (zero) as a penalty.

    The intercept is not penalised. Without rows the slopes are `start`.
    """
    n, width = moments.weight, len(moments.sums)
    origin = list(start) if start is not None else [0.0] * width
    if n <= 0:
        return Line(tuple(origin), 0.0)
    means = [one / n for one in moments.sums]
    mean = moments.target / n
    matrix = [
        [product - n * means[i] * means[j] + (alpha if i == j else 0.0) for j, product in enumerate(row)]
        for i, row in enumerate(moments.products)
    ]
    right = [
        crossed - n * centre * mean + alpha * prior
        for crossed, centre, prior in zip(moments.crossed, means, origin, strict=True)
    ]
    slopes = solve(matrix, right)
    return Line(tuple(slopes), mean - dot(slopes, means))


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Of a symmetric positive definite system; of the matrix only the lower triangle is read."""
    lower: list[list[float]] = []
    for i, row in enumerate(matrix):
        made: list[float] = []
        for j in range(i + 1):
            rest = row[j] - dot(made, lower[j] if j < i else made)
            made.append(rest / lower[j][j] if j < i else math.sqrt(max(rest, 1e-12)))
        lower.append(made)
    forward: list[float] = []
    for row, value in zip(lower, right, strict=True):
        forward.append((value - dot(row, forward)) / row[-1])
    solution = [0.0] * len(forward)
    for i in range(len(forward) - 1, -1, -1):
        rest = forward[i] - sum([lower[k][i] * solution[k] for k in range(i + 1, len(forward))])
        solution[i] = rest / lower[i][i]
    return solution
