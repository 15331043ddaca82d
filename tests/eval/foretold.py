"""What is asked of forecasts: do their intervals hold what they say, and are they better than last week once more."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean
from typing import Final

from cognitude_plugins.analytics.forecast.conformal import Table
from cognitude_plugins.analytics.forecast.past import Past
from cognitude_plugins.analytics.forecast.prospect import Today, prospect

from .calibrating import HISTORY, daily
from .series import KINDS, Series, many

AHEAD: Final = (0, 1, 7, 14, 30, 90)
"""Days after today; 0 is the rest of today alone."""
LEVEL: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One interval, and what came. Errors are of the spend of the same time at the series' mean pace."""

    kind: str
    history: int
    ahead: int
    held: bool
    width: float
    error: float
    naive: float | None
    """The error of "same as last week"; None without a whole week."""


def told(
    seed: str,
    per_kind: int,
    table: Table,
    *,
    kinds: Sequence[str] = KINDS,
    histories: Sequence[int] = HISTORY,
    ahead: Sequence[int] = AHEAD,
) -> Iterator[Told]:
    for number, series in enumerate(many(seed, per_kind, HISTORY[-1] + AHEAD[-1] + 1, kinds)):
        past = Past(daily(series), table, most=ahead[-1] + 1)
        chance = random.Random(f"{seed}.{number}")
        for history in histories:
            yield from _of_one(series, past, history, ahead, chance)


def _of_one(series: Series, past: Past, history: int, days: Sequence[int], chance: random.Random) -> Iterator[Told]:
    """Asked at any time of the day, of which about as much is spent as usually is, give or take."""
    over = chance.random()
    real = min(max(chance.gauss(over, 0.3 * sqrt(over * (1 - over))), 0.0), 1.0)
    spend = series.spend
    spent = round(spend[history] * real)
    found = prospect(past, history, Today(spent=spent, over=over), days=days[-1], level=LEVEL)
    pace = max(fmean(spend), 1.0)
    for ahead in days:
        came = sum(spend[history : history + ahead + 1]) - spent
        one = found.ahead[ahead]
        whole = pace * (ahead + 1)
        last_week = None if history < 7 else abs(_last_week(spend, history, ahead, over) - came) / whole
        yield Told(
            kind=series.kind,
            history=history,
            ahead=ahead,
            held=one.low <= came <= one.high,
            width=(one.high - one.low) / whole,
            error=abs(one.expected - came) / whole,
            naive=last_week,
        )


def _last_week(spend: tuple[int, ...], history: int, ahead: int, over: float) -> float:
    week = spend[history - 7 : history]
    return sum(week[day % 7] for day in range(ahead + 1)) - over * week[0]
