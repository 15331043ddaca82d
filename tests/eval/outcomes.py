"""Recorded outcomes: prompts with the qualities of two models' answers, or of many models' answers."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from cognitude_plugins.complexity_router.features import Features, describe
from cognitude_plugins.complexity_router.table import Example

GRAM_WORDS: Final = 8
MOST_SHARED: Final = 0.3
MANY: Final = "worse half → better half"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`weak` and `strong` are qualities from 0 to 1, `pair` says whose; `scores` may have those of more models."""

    source: str
    task: str
    licence: str
    prompt: str
    pair: str
    weak: float
    strong: float
    features: Features
    scores: Mapping[str, float]

    @property
    def gain(self) -> float:
        return self.strong - self.weak

    @property
    def odd(self) -> bool:
        """Half of all prompts, by a hash that depends on nothing else: the half to learn from."""
        return bool(hashlib.sha256(self.prompt.encode()).digest()[0] & 1)


def read(path: Path) -> list[Row]:
    """Of rows with many models' scores, the weak quality is the mean of the worse half's of the source, and so on."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    raw = [json.loads(line) for line in content.splitlines() if line.strip()]
    rows = [_row(one) for one in raw]
    for source in sources(rows):
        many = [row for row in rows if row.source == source and row.scores]
        if many:
            worse, better = _halves(many)
            rows = [_averaged(row, worse, better) if row.source == source and row.scores else row for row in rows]
    return rows


def sources(rows: Iterable[Row]) -> list[str]:
    """In the order of the file."""
    return list(dict.fromkeys(row.source for row in rows))


def of_pair(rows: Iterable[Row], weak: str, strong: str) -> list[Row]:
    """Rows that have scores of both models, with these as their qualities."""
    return [
        replace(row, weak=row.scores[weak], strong=row.scores[strong], pair=f"{weak} → {strong}")
        for row in rows
        if weak in row.scores and strong in row.scores
    ]


def examples(rows: Iterable[Row]) -> list[Example]:
    return [Example(row.features, row.gain) for row in rows]


def without_duplicates(rows: Iterable[Row], of: Iterable[Row]) -> list[Row]:
    """Rows that share no more than `MOST_SHARED` of their 8-grams of words with the prompts of `of` together."""
    there: set[int] = set()
    for row in of:
        there |= _grams(row.prompt)
    return [row for row in rows if _shared(_grams(row.prompt), there) <= MOST_SHARED]


def _shared(own: set[int], there: set[int]) -> float:
    return len(own & there) / len(own)


def _grams(prompt: str) -> set[int]:
    words = prompt.lower().split()
    return {hash(tuple(words[start : start + GRAM_WORDS])) for start in range(max(1, len(words) - GRAM_WORDS + 1))}


def _row(raw: dict[str, Any]) -> Row:
    scores = raw.get("scores") or {}
    pair = MANY if scores else f"{raw.get('weak_model', 'weak')} → {raw.get('strong_model', 'strong')}"
    return Row(
        source=raw["source"],
        task=raw.get("task", ""),
        licence=raw.get("licence", "not stated"),
        prompt=raw["prompt"],
        pair=pair,
        weak=0.0 if scores else float(raw["weak"]),
        strong=0.0 if scores else float(raw["strong"]),
        features=describe(raw["prompt"]),
        scores=scores,
    )


def _halves(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    names = sorted(rows[0].scores)
    ordered = sorted(names, key=lambda name: sum(row.scores.get(name, 0.0) for row in rows))
    middle = len(ordered) // 2
    return ordered[:middle], ordered[middle:]


def _averaged(row: Row, worse: Sequence[str], better: Sequence[str]) -> Row:
    return replace(row, weak=_mean(row.scores, worse), strong=_mean(row.scores, better))


def _mean(scores: Mapping[str, float], names: Sequence[str]) -> float:
    return sum(scores.get(name, 0.0) for name in names) / len(names)
