"""Thresholds that keep what they promise."""

from __future__ import annotations

import math
import random

import pytest

from cognitude_plugins.complexity_router.calibration import Outcome, threshold


def outcomes(count: int, chance: random.Random) -> list[Outcome]:
    """Hard prompts, which the score mostly knows, the weak model gets wrong."""
    made = []
    for _ in range(count):
        hard = chance.random()
        weak, strong = float(chance.random() > hard), float(chance.random() > 0.1)
        made.append(Outcome(gain=hard + chance.gauss(0, 0.1), weak=weak, strong=strong))
    return made


def kept(found: float, of: list[Outcome]) -> float:
    routed = sum(one.strong if one.gain >= found else one.weak for one in of)
    return routed / sum(one.strong for one in of)


def test_the_floor_holds_on_prompts_that_were_not_there() -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(60):
        found = threshold(outcomes(400, chance), floor=0.9)
        held += kept(found.threshold, outcomes(20_000, chance)) >= 0.9
    assert held >= 54


def test_more_labels_save_more() -> None:
    few = [threshold(outcomes(100, random.Random(seed)), floor=0.9).strong_share for seed in range(20)]
    many = [threshold(outcomes(3_000, random.Random(seed)), floor=0.9).strong_share for seed in range(20)]
    assert sum(many) < sum(few)


def test_a_weak_model_that_is_good_enough_gets_everything() -> None:
    found = threshold([Outcome(gain=0, weak=1, strong=1)] * 50, floor=0.95)
    assert found.threshold == math.inf
    assert found.strong_share == 0


def test_where_nothing_keeps_the_floor_the_strong_model_gets_everything() -> None:
    found = threshold([Outcome(gain=0, weak=0, strong=1)] * 50, floor=1.0)
    assert found.strong_share == 1.0
    assert kept(found.threshold, [Outcome(gain=-9, weak=0, strong=1)]) == 1


def test_rows_that_tie_go_together() -> None:
    found = threshold([Outcome(gain=0.5, weak=index % 2, strong=1) for index in range(100)], floor=0.95)
    assert found.strong_share == 1.0


def test_no_outcomes_are_refused() -> None:
    with pytest.raises(ValueError, match="none were given"):
        threshold([], floor=0.9)
