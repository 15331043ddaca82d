"""What single prompts need, learned from comparisons."""

from __future__ import annotations

import pytest

from cognitude_plugins.complexity_router.features import describe
from cognitude_plugins.complexity_router.study import FLOORS, Study, study
from tests.complexity_router.test_learned import examples


@pytest.fixture(scope="module")
def learned() -> Study:
    return study(examples(400))


def test_prompts_are_told_apart_at_every_floor(learned: Study) -> None:
    right = [learned.allows(features, 0.95) is (loss == 0.0) for loss, features in examples(100, seed=7)]
    assert sum(right) >= 95


def test_a_lower_floor_allows_no_less(learned: Study) -> None:
    for _, features in examples(30, seed=8):
        allowed = [learned.allows(features, floor) for floor in FLOORS]
        assert allowed == sorted(allowed, reverse=True, key=bool)


def test_of_strange_prompts_and_of_floors_beyond_the_last_nothing_is_said(learned: Study) -> None:
    [(_, features)] = examples(1)
    assert learned.allows(features, 0.999) is None
    assert learned.allows(describe("SELECT * FROM t; {}[]<>" * 20), 0.95) is None


def test_it_is_packed_and_read_again(learned: Study) -> None:
    again = Study.loads(learned.dumps())
    assert dict(again.thresholds) == dict(learned.thresholds)
    for _, features in examples(20, seed=9):
        assert again.allows(features, 0.9) == learned.allows(features, 0.9)


@pytest.mark.parametrize("packed", [b"", b"[]", b"x\ny"])
def test_what_is_none_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError):
        Study.loads(packed)
