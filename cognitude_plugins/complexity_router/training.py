"""From labels to weights: kinds of prompts, a line per kind, n-grams, and how far each of them may be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from . import packing, sparse
from .blending import Trust, trusts
from .familiar import patches
from .grams import BUCKETS
from .linear import Line, dot
from .lines import lines
from .model import Kind, Patch, Weights
from .table import FOLDS, Example, Table

LEAST_ROWS: Final = 20
GRAM_PENALTY: Final = 6.0

__all__ = ["LEAST_ROWS", "Example", "Fitted", "fit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """`held_out` has one gain per row, in order, of fits that had not seen the row: what a threshold is found from."""

    weights: Weights
    held_out: tuple[float, ...]


def fit(examples: Sequence[Example], *, seed: int = 0) -> Fitted:
    """Some 2 ms per row. Raises ValueError for fewer than `LEAST_ROWS` rows."""
    if len(examples) < LEAST_ROWS:
        raise ValueError(f"{len(examples)} labels are too few to learn from: at least {LEAST_ROWS} are needed")
    table = Table.of(examples, seed=seed)
    matrix = sparse.Matrix.of(table.grams)
    drawn = lines(table)
    slopes, said = _grams(table, matrix)
    trusted = trusts(table, drawn.held_out, said)
    held_out = [
        trusted[kind].at(line, gram) for kind, line, gram in zip(table.kinds, drawn.held_out, said, strict=True)
    ]
    edges = patches(table, matrix)
    made = [_kind(table, kind, *parts) for kind, parts in enumerate(zip(drawn.of_kind, trusted, edges, strict=True))]
    return Fitted(weights=packing.rounded(_weights(table, matrix, slopes, made)), held_out=tuple(held_out))


def _grams(table: Table, matrix: sparse.Matrix) -> tuple[list[float], list[float]]:
    """Column → slope, from all rows; row → gain, of slopes that had not seen the row's fold."""
    mean = _mean(table)
    targets = [gain - mean for gain in table.gains]
    said = [0.0] * len(targets)
    for fold in range(FOLDS):
        others = [0.0 if one == fold else weight for one, weight in zip(table.folds, table.weights, strict=True)]
        gains = matrix.times(sparse.ridge(matrix, targets, others, GRAM_PENALTY))
        said = [new if one == fold else old for one, new, old in zip(table.folds, gains, said, strict=True)]
    return sparse.ridge(matrix, targets, table.weights, GRAM_PENALTY), said


def _mean(table: Table) -> float:
    return dot(table.gains, table.weights) / sum(table.weights)


def _kind(table: Table, kind: int, line: Line, trust: Trust, edge: tuple[Patch, ...]) -> Kind:
    centre = table.centres[kind]
    return Kind(
        centre=tuple(centre),
        half_square=dot(centre, centre) / 2,
        patches=edge,
        slopes=tuple(trust.line * slope for slope in line.slopes),
        gram_slope=trust.grams,
        offset=trust.offset + trust.line * line.intercept,
        gain=trust.gain,
        rows=len(table.members(kind)),
    )


def _weights(table: Table, matrix: sparse.Matrix, slopes: Sequence[float], made: Sequence[Kind]) -> Weights:
    weighed, squares = [0.0] * BUCKETS, [0.0] * BUCKETS
    for bucket, slope, rarity in zip(matrix.buckets, slopes, matrix.rarity, strict=True):
        weighed[bucket], squares[bucket] = slope * rarity, rarity**2
    return Weights(
        centre=tuple(table.centre),
        steepness=tuple(table.steepness),
        kinds=tuple(made),
        gram_slopes=weighed,
        gram_squares=squares,
        seen=bytes(map(bool, squares)),
        gain=_mean(table),
        rows=len(table.gains),
    )
