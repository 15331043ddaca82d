"""What is asked of anomaly scores: how many false alarms there are in a week, and which bursts are noticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from cognitude_plugins.analytics.anomalies.score import THRESHOLD, WEEK, Hour, anomaly_score

from .hours import CLEAN, KINDS, WEEKS, Use, with_burst

Alarm = Callable[[Sequence[Hour], int], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """``triple`` and ``sixfold`` are the shares of two-hour bursts of that size that raised an alarm in their time."""

    kind: str
    method: str
    alarms_a_week: float
    triple: float
    sixfold: float


def ours(hours: Sequence[Hour], place: int) -> bool:
    found = anomaly_score(hours, "spend", place)
    return found is not None and found.score >= THRESHOLD


def five_deviations(hours: Sequence[Hour], place: int) -> bool:
    """One hour's spend is above the mean of the 168 before it and five of their standard deviations."""
    before = [one.cost for one in hours[place - WEEK : place]]
    mean = fmean(before)
    deviation = fmean([(one - mean) ** 2 for one in before]) ** 0.5
    return hours[place].cost > mean + 5 * deviation


METHODS: Final[dict[str, Alarm]] = {"scores": ours, "mean + 5 sd of 168 h": five_deviations}


def noticed(uses: Sequence[Use], method: str) -> list[Noticed]:
    """Of each kind of use, and of all."""
    alarm = METHODS[method]
    return [_line(kind, method, [use for use in uses if kind in (use.kind, "all")], alarm) for kind in (*KINDS, "all")]


def _line(kind: str, method: str, uses: Sequence[Use], alarm: Alarm) -> Noticed:
    return Noticed(
        kind=kind,
        method=method,
        alarms_a_week=fmean([_alarms(use, alarm) for use in uses]) / (WEEKS - CLEAN),
        triple=fmean([found for use in uses for found in _found(use, alarm, 3)]),
        sixfold=fmean([found for use in uses for found in _found(use, alarm, 6)]),
    )


def _alarms(use: Use, alarm: Alarm) -> int:
    """Alarms in hours that follow each other are one."""
    states = [alarm(use.hours, place) for place in range(CLEAN * WEEK, WEEKS * WEEK)]
    return sum(now and not before for before, now in zip([False, *states], states, strict=False))


def _found(use: Use, alarm: Alarm, times: int) -> list[bool]:
    found = []
    for start, dear in use.bursts:
        hours = with_burst(use.hours, start, dear, times)
        found.append(any(alarm(hours, place) for place in (start, start + 1)))
    return found
