"""Learning from labels, as a whole."""

from __future__ import annotations

import pytest

from cognitude_plugins.complexity_router import model, training
from cognitude_plugins.complexity_router.features import describe
from cognitude_plugins.complexity_router.table import Example

from .labelled import passages, sums, topics


def gap(weights: model.Weights, examples: list[Example]) -> float:
    high = [model.score(weights, one.features).gain for one in examples if one.gain]
    low = [model.score(weights, one.features).gain for one in examples if not one.gain]
    return sum(high) / len(high) - sum(low) / len(low)


def test_fifty_labels_teach_what_is_plain() -> None:
    weights = training.fit(sums(50)).weights
    assert gap(weights, sums(200, seed=1)) > 0.05


def test_words_are_learned_from_many_labels() -> None:
    weights = training.fit(topics(1_200)).weights
    assert gap(weights, topics(200, seed=1)) > 0.5
    assert any(kind.gram_slope for kind in weights.kinds)


def test_what_the_labels_had_is_known_and_what_they_had_not_is_not() -> None:
    weights = training.fit(sums(300)).weights
    same = [model.score(weights, one.features) for one in sums(200, seed=1)]
    other = [model.score(weights, describe(text)) for text in passages(50)]
    assert sum(one.known for one in same) > 160
    assert not any(one.known for one in other)
    assert {one.gain for one in other} == {weights.gain}


def test_the_same_labels_give_the_same_weights() -> None:
    assert training.fit(sums(60), seed=3).held_out == training.fit(sums(60), seed=3).held_out


def test_too_few_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="19 labels are too few"):
        training.fit(sums(19))


def test_labels_that_are_all_alike_are_learned_as_their_mean() -> None:
    weights = training.fit([Example(describe("What is this?"), 0.25)] * 40).weights
    assert model.score(weights, describe("What is this?")).gain == pytest.approx(0.25, abs=1e-3)


def test_weights_of_labels_count() -> None:
    examples = [Example(describe("What is this?"), 1.0, weight=3.0), Example(describe("What is this?"), 0.0)] * 20
    assert training.fit(examples).weights.gain == pytest.approx(0.75, abs=1e-3)
