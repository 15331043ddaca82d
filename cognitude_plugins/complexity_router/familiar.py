"""How far from the labels a prompt may be and still be one of theirs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from . import kinds
from .linear import dot
from .model import MOST_DEVIATIONS, Patch, distance
from .sparse import LEAST_PROMPTS, Matrix
from .table import Table, limited

ROWS_PER_PATCH: Final = 100
MOST_PATCHES: Final = 12
SHARE: Final = 0.96
"""Of the labels of a patch, by each of the two measures."""
_LOOSE_ROWS: Final = 500.0
"""Rows lie nearer to a middle found from them than others will, the more so the fewer: slack is this over rows."""
_MOST_SLACK: Final = 0.6
_USUAL_ROWS: Final = 20
_USUAL_VARIANCE: Final = 0.3
"""A column's variance is drawn towards this as if so many rows had it: few rows look more alike than they are."""


def patches(table: Table, matrix: Matrix) -> list[tuple[Patch, ...]]:
    """Kind → its patches."""
    unseen = [_unseen(row, matrix, len(grams)) for row, grams in zip(matrix.rows, table.grams, strict=True)]
    return [_of(table, kind, unseen) for kind in range(len(table.centres))]


def _of(table: Table, kind: int, unseen: Sequence[float]) -> tuple[Patch, ...]:
    members = table.members(kind)
    if not members:
        return (_patch([], table.centres[kind], [], 0.0),)
    return tuple(_found(table, members, unseen))


def _found(table: Table, members: Sequence[int], unseen: Sequence[float]) -> list[Patch]:
    held = [limited(table.deviations[index], MOST_DEVIATIONS) for index in members]
    centres = kinds.centres(held, max(1, min(MOST_PATCHES, len(held) // ROWS_PER_PATCH)))
    places = kinds.nearest(held, centres)
    slack = min(_MOST_SLACK, _LOOSE_ROWS / len(table.gains))
    made = []
    for patch, centre in enumerate(centres):
        own = [index for index, place in zip(members, places, strict=True) if place == patch]
        made.append(_patch([table.deviations[index] for index in own], centre, [unseen[index] for index in own], slack))
    return made


def _patch(rows: Sequence[Sequence[float]], centre: Sequence[float], unseen: Sequence[float], slack: float) -> Patch:
    columns = zip(*rows, strict=True) if rows else [()] * len(centre)
    variances = [
        (sum([(value - middle) ** 2 for value in column]) + _USUAL_ROWS * _USUAL_VARIANCE) / (len(rows) + _USUAL_ROWS)
        for column, middle in zip(columns, centre, strict=True)
    ]
    patch = Patch(
        centre=tuple(centre),
        half_square=dot(centre, centre) / 2,
        tightness=tuple([1 / math.sqrt(one) for one in variances]),
        most_distance=0.0,
        most_unseen=_quantile(unseen),
    )
    own = _quantile([distance(patch, row) for row in rows])
    return replace(patch, most_distance=own * (1 + slack))


def _unseen(row: Sequence[int], matrix: Matrix, grams: int) -> float:
    """As if the row had not been among the labels: what only it and one other prompt have would not have been seen."""
    seen = sum([matrix.prompts[column] > LEAST_PROMPTS for column in row])
    return 1 - seen / grams if grams else 1.0


def _quantile(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(SHARE * len(ordered)))] if ordered else 0.0
