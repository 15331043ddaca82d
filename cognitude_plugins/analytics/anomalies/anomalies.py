"""Times that were unusual: hours whose score is above a threshold, joined where they belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from .score import METRICS, THRESHOLD, Cause, Hour, Metric, Score, anomaly_score

_GAP: Final = 16
"""Hours between two unusual times that are one: a night does not make a change of level into many anomalies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """From hour ``first`` to hour ``last`` of those that were given, both included; ``hours`` of these were unusual.

    ``cause`` and ``usual`` are of the hour with the highest ``score``, which is ``peak``.
    """

    metric: Metric
    first: int
    last: int
    hours: int
    peak: int
    score: float
    cause: Cause
    usual: float


def anomalies(hours: Sequence[Hour], places: range, threshold: float = THRESHOLD) -> list[Anomaly]:
    """Those that end in ``places``, in the order of their beginning."""
    found = [one for metric in METRICS for one in _of(metric, hours, places, threshold)]
    return sorted(found, key=lambda one: (one.first, METRICS.index(one.metric)))


def _of(metric: Metric, hours: Sequence[Hour], places: range, threshold: float) -> Iterable[Anomaly]:
    unusual: list[tuple[int, Score]] = []
    for place in places:
        score = anomaly_score(hours, metric, place)
        if score is None or score.score < threshold:
            continue
        if unusual and place - unusual[-1][0] > _GAP:
            yield _joined(metric, unusual)
            unusual = []
        unusual.append((place, score))
    if unusual:
        yield _joined(metric, unusual)


def _joined(metric: Metric, unusual: Sequence[tuple[int, Score]]) -> Anomaly:
    """A score is of an hour and the one before it: so that one belongs to it too."""
    peak, highest = max(unusual, key=lambda one: one[1].score)
    hours = {hour for place, _ in unusual for hour in (place - 1, place)}
    return Anomaly(
        metric=metric,
        first=unusual[0][0] - 1,
        last=unusual[-1][0],
        hours=len(hours),
        peak=peak,
        score=highest.score,
        cause=highest.cause,
        usual=highest.usual,
    )
