"""Prompts described: the same everywhere, bounded, and what the values mean."""

from __future__ import annotations

import math
import subprocess
import sys
import time

import pytest

from cognitude_plugins.complexity_router.features import HEAD_BYTES, NAMES, TAIL_BYTES, describe
from cognitude_plugins.complexity_router.grams import BUCKETS

QUESTION = "Which of these is 12.5 % of $80?\nA. 10\nB. 8\nC. 100\nD. 1"


def test_every_value_has_a_name_and_is_finite() -> None:
    for text in ("", " ", "hi", QUESTION, "漢字" * 9_000, "\ud800 broken", "\x00" * 9_000):
        features = describe(text)
        assert len(features.values) == len(NAMES) == len(set(NAMES))
        assert all(map(math.isfinite, features.values))
        assert all(0 <= gram < BUCKETS for gram in features.grams)


def test_values_are_what_their_names_say() -> None:
    features = describe(QUESTION)
    assert features["options"] == math.log1p(4)
    assert features["numeric options"] == 1
    assert features["decimals"] == math.log1p(1)
    assert features["percents"] == features["amounts of money"] == math.log1p(1)
    assert features["asks which of these"] == math.log1p(1)
    assert features["characters"] == math.log1p(len(QUESTION))
    assert describe("Is it?")["ends with a question"] == 1


def test_a_prompt_is_described_alike_in_every_process() -> None:
    code = (
        "from cognitude_plugins.complexity_router.features import describe; "
        f"d = describe({QUESTION!r}); print(sorted(d.grams), d.values)"
    )
    own = describe(QUESTION)
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == f"{sorted(own.grams)} {own.values}"


def test_of_a_long_text_the_middle_is_left_out_and_its_length_is_not() -> None:
    head, tail = "head " * (HEAD_BYTES // 5 + 1), "tail " * (TAIL_BYTES // 5 + 1)
    short, long = describe(head + "x" * 10_000 + tail), describe(head + "y" * 90_000 + tail)
    assert long.characters > 90_000
    assert short.grams == long.grams
    assert long["characters"] > short["characters"]
    assert describe(head + "z" * 9_000 + " Why?")["ends with a question"] == 1


@pytest.mark.parametrize(
    "unit", ["a", "A", "1", "1.", "\nA.", "\n(A) ", "([{", "A a", "é", "漢", " ", "\n", "a1", "which of the following "]
)
def test_no_text_takes_long(unit: str) -> None:
    """64 KiB of anything in 50 ms; it takes about one."""
    text = unit * (65_536 // len(unit))
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        describe(text)
        spent.append(time.perf_counter() - start)
    assert min(spent) < 0.05
