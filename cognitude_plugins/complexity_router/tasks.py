"""What a prompt asks for: one of a few task types, by the words and marks in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from .features import POSITION, Features

TASK_TYPES: Final = (
    "math",
    "code",
    "reasoning",
    "knowledge",
    "writing",
    "summarization",
    "translation",
    "extraction",
    "classification",
    "chat",
)

_EVIDENCE: Final[Mapping[str, Mapping[str, float]]] = {
    "math": {
        "digits": 8.0,
        "numbers": 0.15,
        "words of maths": 0.8,
        "words of rates": 0.25,
        "words of fractions": 0.4,
        "words of multiples": 0.4,
        "words of totals": 0.15,
        "words of remainders": 0.2,
        "words of money": 0.2,
        "amounts of money": 0.3,
        "asks how many": 0.8,
        "equations": 0.5,
        "powers": 0.5,
        "latex": 0.6,
        "percents": 0.3,
        "words of proof": 1.5,
        "words of code": -0.4,
        "words of law": -0.3,
        "words of medical": -0.5,
        "words of reasoning": -0.6,
    },
    "code": {"words of code": 1.0, "code marks": 0.3, "brackets": 0.3, "words of writing": 0.6, "words of law": -0.5},
    "reasoning": {
        "words of reasoning": 1.0,
        "words of conditions": 0.3,
        "words of design": 0.6,
        "asks to think": 0.3,
        "asks about a passage": 0.4,
    },
    "writing": {"words of writing": 1.6, "words of code": -1.5, "options": -1.0},
    "summarization": {"words of summary": 2.8, "options": -1.0},
    "translation": {"words of translation": 2.8, "options": -1.0, "words of places": -0.7},
    "extraction": {"words of extraction": 2.0, "options": -1.0, "words of code": -1.0},
    "classification": {"words of classification": 1.5, "options": -1.0, "words of maths": -1.0},
    "chat": {"words of chat": 3.0, "words": -0.8, "words of places": -0.7},
}
_LEAST: Final = 1.0
"""Less evidence than this is none: such a prompt asks for knowledge, or is chat if it is a word or two."""
_WORDY: Final = math.log1p(60)
"""log(1 + words) of a prompt from which on a text has some words of every group: it takes more of them to tell."""
_INDEXED: Final = tuple(
    (task, tuple((POSITION[name], weight) for name, weight in evidence.items())) for task, evidence in _EVIDENCE.items()
)
_ASKS: Final = tuple(POSITION[name] for name in ("questions", "options", "words of places", "blanks to fill"))
_WORDS: Final = POSITION["words"]
_KNOWLEDGE_WORDS: Final = math.log1p(3)


def task_type(features: Features) -> str:
    """One of `TASK_TYPES`."""
    values = features.values
    best, most = "", _LEAST + 0.5 * max(0.0, values[_WORDS] - _WORDY)
    for task, evidence in _INDEXED:
        found = sum([values[index] * weight for index, weight in evidence])
        if found > most:
            best, most = task, found
    if best:
        return best
    asks = values[_WORDS] >= _KNOWLEDGE_WORDS or any(values[index] for index in _ASKS)
    return "knowledge" if asks else "chat"
