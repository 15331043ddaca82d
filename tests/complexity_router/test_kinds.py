"""Clusters that are there are found."""

from __future__ import annotations

import random

from cognitude_plugins.complexity_router import kinds


def test_three_heaps_are_three_kinds() -> None:
    chance = random.Random(1)
    heaps = [(0.0, 0.0), (9.0, 0.0), (0.0, 9.0)]
    rows = [[chance.gauss(x, 1), chance.gauss(y, 1)] for x, y in heaps for _ in range(50)]
    chosen = kinds.nearest(rows, kinds.centres(rows, 3))
    assert [len(set(chosen[start : start + 50])) for start in (0, 50, 100)] == [1, 1, 1]
    assert len(set(chosen)) == 3


def test_the_same_rows_give_the_same_kinds() -> None:
    chance = random.Random(2)
    rows = [[chance.random(), chance.random()] for _ in range(80)]
    assert kinds.centres(rows, 4) == kinds.centres(rows, 4)


def test_rows_that_are_all_alike_are_one_kind() -> None:
    assert kinds.centres([[1.0, 2.0]] * 10, 4) == [[1.0, 2.0]]


def test_few_rows_are_one_kind() -> None:
    assert [kinds.how_many(rows) for rows in (20, 799, 800, 10**6)] == [1, 1, 2, kinds.MOST_KINDS]
