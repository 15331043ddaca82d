"""Scores and what they are made of."""

from __future__ import annotations

import pytest

from cognitude_plugins.complexity_router import model, training
from cognitude_plugins.complexity_router.features import describe

from .labelled import sums


@pytest.fixture(scope="module")
def weights() -> model.Weights:
    return training.fit(sums(300)).weights


def test_an_empty_prompt_is_not_known(weights: model.Weights) -> None:
    assert not model.score(weights, describe("")).known
