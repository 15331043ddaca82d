"""Unusual hours that belong together."""

from __future__ import annotations

from dataclasses import replace

from cognitude_plugins.analytics.anomalies.anomalies import anomalies
from cognitude_plugins.analytics.anomalies.score import Hour

CALM = [Hour(calls=100, errors=1, cost=10**9, seconds=1.0)] * 700


def burst(*places: int) -> list[Hour]:
    return [replace(one, calls=600, cost=6 * 10**9) if place in places else one for place, one in enumerate(CALM)]


def test_two_hours_are_one_anomaly_and_a_single_one_is_none() -> None:
    assert anomalies(burst(650), range(600, 700)) == []
    [found] = anomalies(burst(650, 651), range(600, 700))
    assert (found.metric, found.first, found.last, found.hours, found.peak) == ("spend", 650, 651, 2, 651)
    assert (found.cause, found.usual) == ("calls", 10**9)


def test_hours_with_a_night_between_are_one_and_with_more_two() -> None:
    [one] = anomalies(burst(650, 651, 664, 665, 666), range(600, 700))
    assert (one.first, one.last, one.hours) == (650, 666, 5)
    assert len(anomalies(burst(640, 641, 670, 671), range(600, 700))) == 2


def test_only_the_time_that_is_asked_for_is_looked_at() -> None:
    assert anomalies(burst(650, 651), range(652, 700)) == []
    assert anomalies(CALM, range(700)) == []
    assert anomalies([], range(0)) == []


def test_metrics_stand_side_by_side() -> None:
    hours = [replace(one, errors=40) if place in (650, 651) else one for place, one in enumerate(burst(650, 651))]
    assert [one.metric for one in anomalies(hours, range(600, 700))] == ["spend", "errors"]
