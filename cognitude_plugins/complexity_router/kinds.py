"""Which prompts look alike: k-means on their values, the same every time for the same rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from operator import add, sub
from typing import Final

from .linear import dot

ROWS_PER_KIND: Final = 400
MOST_KINDS: Final = 12
_ROUNDS: Final = 12
_SAMPLE: Final = 3_000

Row = Sequence[float]


def how_many(rows: int) -> int:
    """One kind up to twice `ROWS_PER_KIND`: a kind of few rows learns nothing of its own."""
    return max(1, min(MOST_KINDS, rows // ROWS_PER_KIND))


def centres(rows: Sequence[Row], count: int, *, seed: int = 0) -> list[list[float]]:
    """At most `count` means of rows that are close to each other (k-means++, Lloyd), found on a sample of the rows."""
    chance = random.Random(seed)
    sample = rows if len(rows) <= _SAMPLE else chance.sample(list(rows), _SAMPLE)
    found = _spread(sample, count, chance)
    for _ in range(_ROUNDS if count > 1 else 1):
        members: list[list[Row]] = [[] for _ in found]
        for row, index in zip(sample, nearest(sample, found), strict=True):
            members[index].append(row)
        moved = [mean(some) for some in members if some]
        if moved == found:
            break
        found = moved
    return found


def nearest(rows: Sequence[Row], found: Sequence[Row]) -> list[int]:
    halves = [dot(one, one) / 2 for one in found]
    chosen = []
    for row in rows:
        near = [dot(row, one) - half for one, half in zip(found, halves, strict=True)]
        chosen.append(near.index(max(near)))
    return chosen


def mean(rows: Sequence[Row]) -> list[float]:
    total = list(rows[0])
    for row in rows[1:]:
        total = list(map(add, total, row))
    return [one / len(rows) for one in total]


def _spread(rows: Sequence[Row], count: int, chance: random.Random) -> list[list[float]]:
    """First centres far from each other: each is drawn with a chance that grows with its distance from those before."""
    first = list(chance.choice(rows))
    found = [first]
    gaps = [_apart(row, first) for row in rows]
    while len(found) < count and any(gaps):
        one = list(chance.choices(rows, gaps)[0])
        found.append(one)
        gaps = [min(gap, _apart(row, one)) for gap, row in zip(gaps, rows, strict=True)]
    return found


def _apart(one: Row, other: Row) -> float:
    gap = list(map(sub, one, other))
    return dot(gap, gap)
