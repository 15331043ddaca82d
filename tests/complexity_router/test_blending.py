"""Trust in what was said of rows held out."""

from __future__ import annotations

import random

import pytest

from cognitude_plugins.complexity_router.blending import trusts
from cognitude_plugins.complexity_router.table import Table

from .labelled import sums


def noise(count: int, seed: int) -> list[float]:
    chance = random.Random(seed)
    return [chance.gauss(0, 0.1) for _ in range(count)]


def test_chance_is_not_believed() -> None:
    table = Table.of(sums(300), seed=1)
    believed = [trusts(table, noise(300, seed), noise(300, seed + 50))[0] for seed in range(20)]
    assert sum(one.line == 0 for one in believed) >= 17
    mean = sum(table.gains) / 300
    assert believed[0].gain == pytest.approx(mean)


def test_what_proves_right_is_believed_nearly_whole() -> None:
    table = Table.of(sums(300), seed=1)
    right = [gain + off for gain, off in zip(table.gains, noise(300, 1), strict=True)]
    trust = trusts(table, right, noise(300, 2))[0]
    assert trust.line == pytest.approx(1, abs=0.1)
    assert trust.at(1.0, 0.0) == pytest.approx(1, abs=0.1)


def test_grams_have_no_voice_among_few_labels_and_one_among_many() -> None:
    few, many = Table.of(sums(250), seed=1), Table.of(sums(1_100), seed=1)
    assert trusts(few, noise(250, 1), few.gains)[0].grams == 0
    assert trusts(many, noise(1_100, 1), many.gains)[0].grams > 0.5
