"""The metrics on cases whose answers are known."""

from __future__ import annotations

import random

import pytest

from .metrics import COST_RATIO, Sorted, figures

CHEAP = 1 - 1 / COST_RATIO


def apgr(scores: list[float], weak: list[float], strong: list[float]) -> float | None:
    return Sorted(scores, weak, strong).curve().apgr


def test_one_score_for_all_is_random_exactly() -> None:
    assert apgr([7.0] * 9, [0, 1, 0, 1, 0, 1, 0, 1, 0], [1.0] * 9) == pytest.approx(0.5, abs=1e-12)


def test_a_random_order_is_about_a_half() -> None:
    chance = random.Random(1)
    weak = [float(chance.random() < 0.5) for _ in range(4_000)]
    assert apgr([chance.random() for _ in weak], weak, [1.0] * 4_000) == pytest.approx(0.5, abs=0.03)


def test_two_prompts_by_hand() -> None:
    """The gain comes with the first half: up to 1 at 1/2, then flat: 1/4 + 1/2."""
    assert apgr([2, 1], [0, 1], [1, 1]) == pytest.approx(0.75)
    assert apgr([1, 2], [0, 1], [1, 1]) == pytest.approx(0.25)


def test_the_oracle_passes_one_where_the_weak_model_is_sometimes_better() -> None:
    weak, strong = [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]
    best = apgr([s - w for w, s in zip(weak, strong, strict=True)], weak, strong)
    assert best == pytest.approx((0.5 + 1.5 + 1.5) / 3)


def test_ties_are_the_mean_over_their_orders() -> None:
    weak, strong = [0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0]
    chance, found = random.Random(2), []
    for _ in range(4_000):
        tied = [3.0, 2 + chance.random() / 2, 2 + chance.random() / 2, 1.0]
        found.append(apgr(tied, weak, strong) or 0)
    assert apgr([3, 2, 2, 1], weak, strong) == pytest.approx(sum(found) / len(found), abs=0.01)


def test_without_a_gap_there_is_nothing_to_recover() -> None:
    measured = figures([1, 2], [1, 1], [1, 1], seed=0)
    assert measured.apgr is None
    assert measured.saved_95 == pytest.approx(CHEAP)


def test_what_is_saved_at_a_floor() -> None:
    """Strong 1.0, weak 0.9: 95 % needs half of the gain, which chance has at a half and the oracle at 1/20."""
    weak, strong = [0.0] * 10 + [1.0] * 90, [1.0] * 100
    assert Sorted([0.0] * 100, weak, strong).curve().saved(0.95) == pytest.approx(0.5 * CHEAP)
    assert Sorted([1 - one for one in weak], weak, strong).curve().saved(0.95) == pytest.approx(0.95 * CHEAP)
    assert Sorted([0.0] * 100, weak, strong).curve().saved(0.9) == pytest.approx(CHEAP)


def test_cpt_is_where_the_share_of_the_gap_is_first_reached() -> None:
    weak, strong = [0.0, 0.0, 1.0, 1.0], [1.0] * 4
    curve = Sorted([4, 3, 2, 1], weak, strong).curve()
    assert curve.cpt(0.5) == pytest.approx(0.25)
    assert curve.cpt(1.0) == pytest.approx(0.5)


def test_a_prompt_drawn_twice_counts_as_two_that_tie() -> None:
    weak, strong = [0.0, 1.0, 0.0], [1.0, 1.0, 0.5]
    drawn = Sorted([3, 2, 1], weak, strong).curve([2, 0, 1]).apgr
    assert drawn == pytest.approx(apgr([3, 3, 1], [0, 0, 0], [1, 1, 0.5]) or 0)


def test_the_interval_holds_the_figure_and_shrinks_with_rows() -> None:
    chance = random.Random(3)
    widths = []
    for count in (200, 3_200):
        weak = [float(chance.random() < 0.6) for _ in range(count)]
        scores = [chance.gauss(1 - one, 2) for one in weak]
        measured = figures(scores, weak, [1.0] * count, seed=1)
        assert measured.low is not None
        assert measured.high is not None
        assert measured.apgr is not None
        assert measured.low < measured.apgr < measured.high
        widths.append(measured.high - measured.low)
    assert widths[1] < widths[0] / 2
