"""How unusual two hours in a row are for their time of the week: a number that a report or an alert can compare.

A score is the distance from the median of comparable hours, in median absolute deviations scaled to be standard ones
(Iglewicz and Hoaglin 1993), of the less unusual one of the two hours: a single hour is noise too often. Comparable are
the same hour of the week and those beside it, in the four weeks before; in the first two weeks the same hour of the
days before. ``make eval-forecast`` compares this with a mean and standard deviations over 168 hours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import Final, Literal

Metric = Literal["spend", "errors", "latency"]
METRICS: Final[tuple[Metric, ...]] = ("spend", "errors", "latency")
Cause = Literal["calls", "cost per call", "error rate", "latency"]

THRESHOLD: Final = 4.0
LEAST_HOURS: Final = 72
"""Hours before the two without which there is no score."""
WEEKS: Final = 4
WEEK: Final = 168
_DAY: Final = 24
_STANDARD: Final = 1.4826
"""Median absolute deviations of a normal distribution to its standard deviation."""
_LEAST_SHARE: Final = 0.2
"""Of the median, by which an hour may always be off without being unusual at all."""
_UNEVEN: Final = 1.5
"""Standard deviation of a call's cost or of its latency, of the mean, where nothing better is known."""
_LEAST_ERROR_RATE: Final = 0.01
_LEAST_ERRORS: Final = 5
_LEAST_CALLS: Final = 20
"""With fewer in an hour, nothing is said of its latency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What was in an hour; ``seconds`` is the latency that is looked at (its 95 % quantile), None without calls."""

    calls: int = 0
    errors: int = 0
    cost: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """``usual`` is the median of comparable hours in the metric's unit: nano-dollars, share of calls, seconds."""

    score: float
    cause: Cause
    usual: float


def anomaly_score(hours: Sequence[Hour], metric: Metric, at: int | None = None) -> Score | None:
    """Of hour ``at`` (the last one without) and the one before it, by the hours before them; None if these are too few.

    ``hours`` follow each other without a gap and begin with the first that is known. Above `THRESHOLD` is unusual.
    """
    place = len(hours) - 1 if at is None else at
    if place - 1 < LEAST_HOURS or place >= len(hours):
        return None
    pair = (_SCORES[metric](hours, place - 1), _SCORES[metric](hours, place))
    return _spend(*pair) if metric == "spend" else _one(*pair, cause="error rate" if metric == "errors" else "latency")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scored:
    usual: float
    score: float
    by_calls: float = 0.0
    by_cost: float = 0.0


def _one(first: _Scored, second: _Scored, *, cause: Cause) -> Score:
    return Score(score=min(first.score, second.score), cause=cause, usual=second.usual)


def _spend(first: _Scored, second: _Scored) -> Score:
    """Spend is unusual when its number of calls is, or the cost of a call: one of them in both hours."""
    calls, cost = min(first.by_calls, second.by_calls), min(first.by_cost, second.by_cost)
    return Score(
        score=min(first.score, second.score, max(calls, cost)),
        cause="calls" if calls >= cost else "cost per call",
        usual=second.usual,
    )


def comparable(place: int) -> list[int]:
    """The hours that are like this one, of those before it."""
    period, most = (WEEK, WEEKS) if place >= 2 * WEEK else (_DAY, 7)
    around = (place - period * back + beside for back in range(1, most + 1) for beside in (-1, 0, 1))
    return [one for one in around if one >= 0]


def _distance(value: float, others: Sequence[float], least: Callable[[float], float]) -> tuple[float, float]:
    """The score of one hour by itself, and the median; ``least`` is the deviation that chance alone has there."""
    usual = median(others)
    deviation = _STANDARD * median(abs(one - usual) for one in others)
    return (value - usual) / max(deviation, _LEAST_SHARE * abs(usual), least(usual)), usual


def _spend_of(hours: Sequence[Hour], place: int) -> _Scored:
    hour, others = hours[place], [hours[one] for one in comparable(place)]
    calls = sum(one.calls for one in others)
    call_cost = max(sum(one.cost for one in others) / calls if calls else hour.cost / max(hour.calls, 1), 1.0)
    score, usual = _distance(
        hour.cost, [one.cost for one in others], lambda mid: _UNEVEN * call_cost * sqrt(max(mid / call_cost, 1.0))
    )
    by_calls, _ = _distance(hour.calls, [one.calls for one in others], lambda mid: sqrt(max(mid, 1.0)))
    by_cost = 0.0
    if hour.calls:
        costs = [one.cost / one.calls for one in others if one.calls]
        chance = _UNEVEN * call_cost / sqrt(hour.calls)
        by_cost, _ = _distance(hour.cost / hour.calls, costs or [call_cost], lambda _: chance)
    return _Scored(usual=usual, score=score, by_calls=by_calls, by_cost=by_cost)


def _errors_of(hours: Sequence[Hour], place: int) -> _Scored:
    hour, others = hours[place], [hours[one] for one in comparable(place) if hours[one].calls]
    rates = [one.errors / one.calls for one in others] or [0.0]
    if hour.errors < _LEAST_ERRORS:
        return _Scored(usual=median(rates), score=0.0)
    calls, errors = sum(one.calls for one in others), sum(one.errors for one in others)
    rate = (errors + 1) / (calls + 2)
    chance = max(sqrt(rate * (1 - rate) / hour.calls), _LEAST_ERROR_RATE)
    score, usual = _distance(hour.errors / hour.calls, rates, lambda _: chance)
    return _Scored(usual=usual, score=score)


def _latency_of(hours: Sequence[Hour], place: int) -> _Scored:
    hour = hours[place]
    near = (hours[one] for one in comparable(place))
    others = [one.seconds for one in near if one.seconds is not None and one.calls >= _LEAST_CALLS]
    if hour.seconds is None or hour.calls < _LEAST_CALLS or len(others) < 3:
        return _Scored(usual=median(others) if others else 0.0, score=0.0)
    chance = _UNEVEN / sqrt(hour.calls)
    score, usual = _distance(hour.seconds, others, lambda mid: chance * mid + 1e-3)
    return _Scored(usual=usual, score=score)


_SCORES: Final[dict[Metric, Callable[[Sequence[Hour], int], _Scored]]] = {
    "spend": _spend_of,
    "errors": _errors_of,
    "latency": _latency_of,
}
