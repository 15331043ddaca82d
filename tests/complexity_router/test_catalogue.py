"""What has been published of models."""

from __future__ import annotations

import pytest

from cognitude_plugins.complexity_router.catalogue import FAMILIES, published
from cognitude_plugins.complexity_router.tasks import TASK_TYPES


@pytest.mark.parametrize(
    ("upstream", "family"),
    [
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("gpt-4o", "gpt-4o"),
        ("openai/gpt-4.1-nano", "gpt-4.1-nano"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama-3.3-70b"),
        ("mistralai/open-mixtral-8x7b", "mixtral-8x7b"),
        ("eu.anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet"),
        ("claude-sonnet-4-5", "claude-sonnet-4"),
        ("gemini-2.5-flash-lite", "gemini-2.5-flash-lite"),
    ],
)
def test_a_model_is_known_by_the_longest_family_its_name_begins_with(upstream: str, family: str) -> None:
    assert published(upstream) is FAMILIES[family]


def test_of_others_nothing_is_known() -> None:
    assert published("of-our-own") is None


def test_every_family_has_a_quality_for_every_kind_of_task() -> None:
    assert len(FAMILIES) >= 9
    for family in FAMILIES.values():
        qualities = {task: family.quality(task) for task in TASK_TYPES}
        assert all(0 < one <= 1 for one in qualities.values())
        assert min(family.knowledge, family.math) <= qualities["reasoning"] <= max(family.knowledge, family.math)
        assert qualities["chat"] >= family.knowledge
