"""Small regressions whose answers are known."""

from __future__ import annotations

import random

import pytest

from cognitude_plugins.complexity_router.linear import Moments, ridge, solve


def rows_of(count: int, seed: int) -> tuple[list[list[float]], list[float], list[float]]:
    chance = random.Random(seed)
    rows = [[chance.gauss(0, 1), chance.gauss(2, 3)] for _ in range(count)]
    return rows, [1 + 2 * a - 3 * b for a, b in rows], [chance.choice((1.0, 2.0)) for _ in rows]


def test_a_line_is_found() -> None:
    line = ridge(Moments.of(*rows_of(40, 1)), 1e-9)
    assert [*line.slopes, line.intercept] == pytest.approx([2, -3, 1], abs=1e-6)
    assert line.at([1, 1]) == pytest.approx(0, abs=1e-6)


def test_a_penalty_draws_towards_where_it_starts() -> None:
    moments = Moments.of(*rows_of(40, 1))
    assert ridge(moments, 1e12).slopes == pytest.approx((0, 0), abs=1e-6)
    assert ridge(moments, 1e12, [5, 7]).slopes == pytest.approx((5, 7), abs=1e-6)
    assert ridge(Moments.none(2), 1, [5, 7]).slopes == (5, 7)


def test_moments_of_parts_are_those_of_all() -> None:
    rows, targets, weights = rows_of(30, 2)
    whole = Moments.of(rows, targets, weights)
    first, second = Moments.of(rows[:9], targets[:9], weights[:9]), Moments.of(rows[9:], targets[9:], weights[9:])
    assert ridge(first + second, 3).slopes == pytest.approx(ridge(whole, 3).slopes)
    assert ridge(whole - first, 3).slopes == pytest.approx(ridge(second, 3).slopes)


def test_a_weight_counts_like_as_many_rows() -> None:
    rows, targets, _ = rows_of(10, 3)
    heavy = Moments.of(rows, targets, [3.0] + [1.0] * 9)
    repeated = Moments.of([rows[0], rows[0], *rows], [targets[0], targets[0], *targets], [1.0] * 12)
    assert ridge(heavy, 2).slopes == pytest.approx(ridge(repeated, 2).slopes)


def test_a_system_is_solved() -> None:
    assert solve([[4], [2, 3]], [8, 7]) == pytest.approx([1.25, 1.5])
