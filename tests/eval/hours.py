"""Hourly use that is made up, with times of three and six times as much put in."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import Final

from cognitude_plugins.analytics.anomalies.score import WEEK, Hour

KINDS: Final = ("steady", "office", "nightly", "sparse", "growing")
WEEKS: Final = 6
CLEAN: Final = 4
"""Weeks before the first that is looked at."""
BURSTS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """``bursts`` are hours at which one of two hours could begin; in one that is ``dear`` calls cost more."""

    kind: str
    hours: tuple[Hour, ...]
    bursts: tuple[tuple[int, bool], ...]


def many(seed: str, per_kind: int) -> Iterator[Use]:
    for kind in KINDS:
        for number in range(per_kind):
            chance = random.Random(f"{seed}.{kind}.{number}")
            starts = [chance.randrange(CLEAN * WEEK + 3, WEEKS * WEEK - 3) for _ in range(BURSTS)]
            bursts = tuple((start, chance.random() < 0.5) for start in starts)
            yield Use(kind=kind, hours=tuple(_hours(kind, chance)), bursts=bursts)


def with_burst(hours: Sequence[Hour], start: int, dear: bool, times: int) -> list[Hour]:
    changed = list(hours)
    for place in (start, start + 1):
        one = hours[place]
        calls = one.calls if dear else one.calls * times
        changed[place] = replace(one, calls=calls, cost=one.cost * times)
    return changed


def _hours(kind: str, chance: random.Random) -> Iterator[Hour]:
    """Numbers of calls: Poisson, around a rate that wanders by 10 to 35 %; costs of calls: gamma, and so are sums."""
    rates = list(_rates(kind, chance))
    width, memory, state = chance.uniform(0.1, 0.35), chance.uniform(0.3, 0.8), 0.0
    cost, unevenness = exp(chance.uniform(log(1e5), log(3e7))), chance.uniform(0.5, 2.0) ** 2
    drift, price = chance.uniform(0.03, 0.15), 0.0
    for rate in rates:
        state = memory * state + sqrt(1 - memory * memory) * chance.gauss(0, 1)
        price = 0.9 * price + sqrt(1 - 0.81) * chance.gauss(0, 1)
        calls = _poisson(rate * exp(width * state - width * width / 2), chance)
        mean = cost * exp(drift * price)
        total = calls * mean * chance.gammavariate(calls / unevenness, unevenness / calls) if calls else 0
        yield Hour(calls=calls, cost=int(total))


def _rates(kind: str, chance: random.Random) -> Iterator[float]:
    """Calls an hour: all day, in office hours, with one job a night, now and then, or of an office that grows."""
    mean = chance.uniform(0.3, 4) if kind == "sparse" else exp(chance.uniform(log(20), log(3000)))
    night, weekend, growth = chance.uniform(0.02, 0.3), chance.uniform(0.05, 0.6), chance.uniform(0.3, 1.0)
    job, size = chance.randrange(24), chance.uniform(3, 10)
    for place in range(WEEKS * WEEK):
        hour, day = place % 24, place // 24 % 7
        office = (night + (1 - night) * exp(-(((hour - 13.5) / 4) ** 2))) * (weekend if day >= 5 else 1)
        factors = {
            "steady": 1.0,
            "office": office,
            "nightly": 1 + size if hour == job else 1.0,
            "sparse": 1.6 if 8 <= hour < 20 else 0.4,
            "growing": office * (1 + growth * place / (WEEKS * WEEK)),
        }
        yield mean * factors[kind]


def _poisson(mean: float, chance: random.Random) -> int:
    if mean > 50:
        return max(0, round(chance.gauss(mean, sqrt(mean))))
    least, product, count = exp(-mean), chance.random(), 0
    while product > least:
        product *= chance.random()
        count += 1
    return count
