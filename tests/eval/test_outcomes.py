"""Outcomes as they are in files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from .outcomes import MANY, of_pair, read, sources, without_duplicates

PAIR = {
    "source": "a",
    "task": "t",
    "prompt": "What is it?",
    "weak": 0,
    "strong": 1,
    "weak_model": "w",
    "strong_model": "s",
}
MANY_SCORES = [
    {"source": "b", "prompt": "One?", "scores": {"w": 0.0, "x": 1.0, "y": 1.0, "z": 1.0}},
    {"source": "b", "prompt": "Two?", "scores": {"w": 0.0, "x": 0.0, "y": 1.0, "z": 1.0}},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "outcomes.jsonl.gz"
    with gzip.open(path, "wt") as lines:
        lines.writelines(json.dumps(one) + "\n" for one in [PAIR, *MANY_SCORES])
    return path


def test_pairs_and_many_models_are_read(file: Path) -> None:
    rows = read(file)
    assert sources(rows) == ["a", "b"]
    assert [row.pair for row in rows] == ["w → s", MANY, MANY]
    assert [row.gain for row in rows] == [1.0, 0.5, 1.0]


def test_a_file_need_not_be_gzipped(tmp_path: Path) -> None:
    (tmp_path / "plain.jsonl").write_text(json.dumps(PAIR) + "\n\n")
    assert len(read(tmp_path / "plain.jsonl")) == 1


def test_a_pair_is_taken_from_many(file: Path) -> None:
    rows = of_pair(read(file), "w", "x")
    assert [row.gain for row in rows] == [1.0, 0.0]
    assert {row.pair for row in rows} == {"w → x"}


def test_near_duplicates_are_left_out(tmp_path: Path) -> None:
    words = [f"w{index}" for index in range(40)]
    prompts = {"same": " ".join(words), "half": " ".join(words[:24] + ["x"] * 16), "other": " ".join(reversed(words))}
    path = tmp_path / "plain.jsonl"
    path.write_text(
        "".join(json.dumps({**PAIR, "source": name, "prompt": text}) + "\n" for name, text in prompts.items())
    )
    rows = read(path)
    assert [row.source for row in without_duplicates(rows, rows[:1])] == ["other"]


def test_short_prompts_are_duplicates_when_they_are_the_same(file: Path) -> None:
    rows = read(file)
    assert without_duplicates(rows, rows[:1]) == rows[1:]
