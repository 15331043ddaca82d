"""Task types of prompts as people write them."""

from __future__ import annotations

import pytest

from cognitude_plugins.complexity_router.features import describe
from cognitude_plugins.complexity_router.tasks import TASK_TYPES, task_type

PROMPTS = {
    "hi": "chat",
    "Hello, how are you?": "chat",
    "Translate this to French: I like cats": "translation",
    "Summarize the following article: the economy of the north grew.": "summarization",
    "Classify the sentiment of this review as positive or negative: great film": "classification",
    "Extract all names and dates as JSON from: Bob met Al in 1990": "extraction",
    "Write a poem about the sea": "writing",
    "Write a python function that sorts a list": "code",
    "def f(nums):\n    return [n for n in nums if n > 0]\nassert f([1, -1]) == ??": "code",
    "What is the capital of France?": "knowledge",
    "when did the golden compass book come out": "knowledge",
    "Explain why the sky is blue": "reasoning",
    "Solve the equation $x^2 - 6x + 6 = 0$.": "math",
    "James runs 3 sprints of 60 meters 3 times a week. How many meters does he run a week?": "math",
    "Which of these is a mammal?\nA. Trout\nB. Bat\nC. Wasp\nD. Newt\nAnswer:": "knowledge",
}


@pytest.mark.parametrize(("prompt", "expected"), PROMPTS.items())
def test_a_prompt_asks_for(prompt: str, expected: str) -> None:
    assert task_type(describe(prompt)) == expected


def test_anything_has_a_type() -> None:
    for text in ("", "\n", "?", "漢字", "x" * 100_000):
        assert task_type(describe(text)) in TASK_TYPES
