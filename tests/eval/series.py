"""Daily spend that is made up: a trend, a weekly pattern, bursts, level shifts, mixtures of these, days without any."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, log, log1p, sqrt
from typing import Final

KINDS: Final = ("flat", "trend", "weekly", "bursts", "shifts", "mixture", "sparse")
UNLIKE: Final = "wild"
"""A kind that no table is made of: each day is far from the one before."""
_MIXED: Final = ("trend", "weekly", "bursts", "shifts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    kind: str
    weekday: int
    """Of the first day."""
    spend: tuple[int, ...]


def made(kind: str, days: int, chance: random.Random) -> Series:
    """Nano-dollars: from 20 cents to 1 000 dollars a day to begin with, with noise that lasts for some days."""
    parts = _parts(kind, chance)
    weekday = chance.randrange(7)
    level = exp(chance.uniform(log(2e8), log(1e12)))
    factors = zip(
        _noise(days, chance, wild=kind == UNLIKE),
        _trend(days, chance, "trend" in parts),
        _week(days, weekday, chance, "weekly" in parts),
        _bursts(days, chance, "bursts" in parts),
        _shifts(days, chance, "shifts" in parts),
        strict=True,
    )
    share = 0.5 if kind == "sparse" else 0.0
    spend = []
    for noise, trend, week, burst, shift in factors:
        used = chance.random() >= share
        spend.append(int(level * noise * trend * week * burst * shift) if used else 0)
    return Series(kind=kind, weekday=weekday, spend=tuple(spend))


def many(seed: str, per_kind: int, days: int, kinds: Sequence[str] = KINDS) -> Iterator[Series]:
    for kind in kinds:
        for number in range(per_kind):
            yield made(kind, days, random.Random(f"{seed}.{kind}.{number}"))


def _parts(kind: str, chance: random.Random) -> set[str]:
    if kind != "mixture":
        return {kind}
    return {*chance.sample(_MIXED, chance.randint(2, 4)), *(["weekly"] if chance.random() < 0.7 else [])}


def _noise(days: int, chance: random.Random, *, wild: bool) -> Iterator[float]:
    """Lognormal, of 8 to 50 % of the level, or 100 to 200 if it is wild; correlated from day to day by up to a half."""
    width = sqrt(log1p((chance.uniform(1, 2) if wild else chance.uniform(0.08, 0.5)) ** 2))
    memory, state = chance.uniform(0, 0.5), 0.0
    for _ in range(days):
        state = memory * state + sqrt(1 - memory * memory) * chance.gauss(0, 1)
        yield exp(width * state)


def _trend(days: int, chance: random.Random, wanted: bool) -> Iterator[float]:
    """Towards 1.3 to 4.5 times the level, or down by as much, fast at first and slower later."""
    gain, pace = chance.choice((-1, 1, 1)) * chance.uniform(0.3, 1.5), chance.uniform(30, 150)
    for day in range(days):
        yield exp(gain * (1 - exp(-day / pace))) if wanted else 1.0


def _week(days: int, weekday: int, chance: random.Random, wanted: bool) -> Iterator[float]:
    """Weekends of 5 to 70 % of the other days, which differ by up to 15 %."""
    weekend = chance.uniform(0.05, 0.7)
    factors = [chance.uniform(0.85, 1.15) for _ in range(5)] + [weekend * chance.uniform(0.8, 1.2) for _ in range(2)]
    for day in range(days):
        yield factors[(weekday + day) % 7] if wanted else 1.0


def _bursts(days: int, chance: random.Random, wanted: bool) -> Iterator[float]:
    """Of one to three days, 2 to 6 times as much, on 2 to 8 % of the days."""
    rate, left, size = chance.uniform(0.02, 0.08), 0, 1.0
    for _ in range(days):
        if left:
            left -= 1
        elif chance.random() < rate:
            left, size = chance.choice((0, 0, 1, 2)), chance.uniform(2, 6)
        else:
            size = 1.0
        yield size if wanted else 1.0


def _shifts(days: int, chance: random.Random, wanted: bool) -> Iterator[float]:
    """Every 40 to 120 days to 1.35 to 2.7 times the level, or down by as much, also after the history has ended."""
    rate, level = 1 / chance.uniform(40, 120), 1.0
    for _ in range(days):
        if chance.random() < rate:
            level *= exp(chance.choice((-1, 1)) * chance.uniform(0.3, 1.0))
        yield level if wanted else 1.0
