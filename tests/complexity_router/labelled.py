"""Prompts with made-up gains that have something to learn in them."""

from __future__ import annotations

import random

from cognitude_plugins.complexity_router.features import describe
from cognitude_plugins.complexity_router.table import Example

HARD = ("prove", "integral", "lemma", "asymptotic")
EASY = ("cat", "garden", "soup", "window")


def sums(count: int, seed: int = 0) -> list[Example]:
    """Gain 1 for long sums of many numbers, 0 for short ones; one in ten the other way round."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        terms = chance.randint(2, 30)
        text = f"How much is {' + '.join(str(chance.randint(1, 99)) for _ in range(terms))} in all?"
        made.append(Example(describe(text), float((terms > 15) != (chance.random() < 0.1))))
    return made


def topics(count: int, seed: int = 0) -> list[Example]:
    """Gain 1 where a hard word stands, 0 where an easy one does; alike in every other way."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        hard = chance.random() < 0.5
        word = chance.choice(HARD if hard else EASY)
        filler = " ".join(chance.choice(("red", "old", "new", "big", "odd")) for _ in range(6))
        made.append(Example(describe(f"Tell me about the {filler} {word} please."), float(hard)))
    return made


def passages(count: int, seed: int = 0) -> list[str]:
    """Texts that are neither."""
    chance = random.Random(seed)
    words = ("court", "ruled", "that", "plaintiff", "under", "statute", "contract", "breach", "appeal", "judge")
    lines = [" ".join(chance.choices(words, k=30)) + "; see (a) [1] {x}." for _ in range(9 * count)]
    return ["\n".join(lines[start : start + 9]) for start in range(0, len(lines), 9)]
