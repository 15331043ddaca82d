"""How hard a prompt looks: a heuristic that informs, and decides nothing.

On measured outcomes such scores rank prompts hardly better than chance; what is known of gains decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from .features import POSITION, Features

Level = Literal["simple", "medium", "complex"]

MEDIUM_FROM: Final = 0.35
COMPLEX_FROM: Final = 0.65
_BASE: Final = -4.6
_WEIGHTS: Final = (
    ("characters", 0.55),
    ("numbers", 0.2),
    ("words of proof", 2.6),
    ("words of maths", 0.9),
    ("words of reasoning", 0.9),
    ("words of design", 1.4),
    ("words of code", 0.7),
    ("words of conditions", 0.35),
    ("asks to think", 0.8),
    ("latex", 0.6),
    ("code marks", 0.15),
    ("sentences", 0.25),
    ("questions", 0.15),
    ("words of chat", -0.4),
)
_INDEXED: Final = tuple((name, POSITION[name], weight) for name, weight in _WEIGHTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complexity:
    """`score` is from 0 to 1; `made_by` has what moved it and by how much in log-odds, the largest first."""

    level: Level
    score: float
    made_by: tuple[tuple[str, float], ...]


def complexity(features: Features) -> Complexity:
    values = features.values
    parts = [(name, weight * values[index]) for name, index, weight in _INDEXED if values[index]]
    score = 1 / (1 + math.exp(-_BASE - sum([part for _, part in parts])))
    return Complexity(level=level(score), score=score, made_by=tuple(sorted(parts, key=_size, reverse=True)))


def level(score: float) -> Level:
    return "simple" if score < MEDIUM_FROM else "medium" if score < COMPLEX_FROM else "complex"


def level_of(word: str) -> Level:
    """A level by its name; ``complex`` for what is none."""
    return "simple" if word == "simple" else "medium" if word == "medium" else "complex"


def _size(part: tuple[str, float]) -> float:
    return abs(part[1])
