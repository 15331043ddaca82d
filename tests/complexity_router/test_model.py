"""Scores and what they are made of."""

from __future__ import annotations

import pytest

from cognitude_plugins.complexity_router import model, training
from cognitude_plugins.complexity_router.features import describe

from .labelled import sums


@pytest.fixture(scope="module")
def weights() -> model.Weights:
    return training.fit(sums(300)).weights


def test_contributions_make_up_the_gain(weights: model.Weights) -> None:
    scored, features = next(
        (found, one.features) for one in sums(9, seed=9) if (found := model.score(weights, one.features)).known
    )
    kind = weights.kinds[scored.kind]
    made = sum(part for _, part in model.contributions(weights, features, most=1_000))
    usual = kind.offset + sum(a * b for a, b in zip(kind.slopes, kind.centre, strict=True))
    assert scored.gain == pytest.approx(usual + made, abs=1e-6)


def test_the_largest_contributions_come_first(weights: model.Weights) -> None:
    sizes = [abs(part) for _, part in model.contributions(weights, sums(1, seed=9)[0].features)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 5


def test_an_empty_prompt_is_not_known(weights: model.Weights) -> None:
    assert not model.score(weights, describe("")).known
