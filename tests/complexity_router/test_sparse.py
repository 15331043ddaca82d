"""Conjugate gradients against the closed form."""

from __future__ import annotations

import random

import pytest

from cognitude_plugins.complexity_router.linear import solve
from cognitude_plugins.complexity_router.sparse import Matrix, ridge


def prompts(count: int) -> list[list[int]]:
    chance = random.Random(4)
    return [chance.sample(range(30), 8) for _ in range(count)]


def table(matrix: Matrix) -> list[list[float]]:
    width = len(matrix.buckets)
    return [
        [matrix.rarity[c] * scale * (c in row) for c in range(width)]
        for row, scale in zip(matrix.rows, matrix.scale, strict=True)
    ]


def test_rows_are_of_length_one() -> None:
    assert [sum(one**2 for one in row) for row in table(Matrix.of(prompts(20)))] == pytest.approx([1] * 20)


def test_what_one_prompt_alone_has_is_left_out() -> None:
    matrix = Matrix.of([[1, 2], [2, 3], [2, 3, 3], []])
    assert matrix.buckets == (2, 3)
    assert matrix.prompts == (3, 2)
    assert matrix.times([1.0, 1.0])[3] == 0


def test_the_slopes_are_those_of_the_normal_equations() -> None:
    matrix, chance = Matrix.of(prompts(60)), random.Random(5)
    targets = [chance.gauss(0, 1) for _ in range(60)]
    weights = [chance.choice((0.0, 1.0, 2.0)) for _ in range(60)]
    rows, width = table(matrix), len(matrix.buckets)
    normal = [
        [
            sum(w * r[i] * r[j] for r, w in zip(rows, weights, strict=True)) + (2.0 if i == j else 0)
            for j in range(i + 1)
        ]
        for i in range(width)
    ]
    right = [sum(w * r[i] * t for r, t, w in zip(rows, targets, weights, strict=True)) for i in range(width)]
    assert ridge(matrix, targets, weights, 2.0) == pytest.approx(solve(normal, right), abs=5e-3)
