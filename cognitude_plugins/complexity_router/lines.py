"""The gain as a line over a prompt's values, one line per kind, drawn towards the line of all kinds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final

from .linear import Line, Moments, ridge
from .table import FOLDS, Table

PENALTY: Final = 100.0


@dataclass(frozen=True, slots=True)
class Lines:
    """`of_kind` from all rows; `held_out` has one gain per row, of lines that had not seen the row's fold."""

    of_kind: list[Line]
    held_out: list[float]


def lines(table: Table) -> Lines:
    parts = [[_moments(table, kind, fold) for fold in range(FOLDS)] for kind in range(len(table.centres))]
    held_out = [0.0] * len(table.gains)
    for fold in range(FOLDS):
        drawn = _drawn([_sum([one for i, one in enumerate(folds) if i != fold]) for folds in parts])
        for index in [index for index, one in enumerate(table.folds) if one == fold]:
            held_out[index] = drawn[table.kinds[index]].at(table.learned[index])
    return Lines(_drawn([_sum(folds) for folds in parts]), held_out)


def _moments(table: Table, kind: int, fold: int) -> Moments:
    chosen = [index for index in table.members(kind) if table.folds[index] == fold]
    if not chosen:
        return Moments.none(len(table.centre))
    return Moments.of(
        [table.learned[index] for index in chosen],
        [table.gains[index] for index in chosen],
        [table.weights[index] for index in chosen],
    )


def _drawn(moments: list[Moments]) -> list[Line]:
    shared = ridge(_sum(moments), PENALTY)
    own = [ridge(one, PENALTY, shared.slopes) for one in moments]
    return [one if of.weight > 0 else shared for one, of in zip(own, moments, strict=True)]


def _sum(moments: list[Moments]) -> Moments:
    return reduce(add, moments)
