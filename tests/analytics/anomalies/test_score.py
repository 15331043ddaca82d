"""How unusual two hours are."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognitude_plugins.analytics.anomalies.score import LEAST_HOURS, METRICS, THRESHOLD, Hour, anomaly_score, comparable


def office(weeks: int = 5) -> list[Hour]:
    """Calls of a cent, 200 an hour by day and 5 by night, and one in fifty fails."""
    chance = random.Random(2)
    found = []
    for place in range(weeks * 168):
        calls = round((200 if 8 <= place % 24 < 20 else 5) * chance.uniform(0.8, 1.2))
        found.append(Hour(calls=calls, errors=calls // 50, cost=calls * 10**7, seconds=chance.uniform(0.9, 1.1)))
    return found


def changed(hours: list[Hour], count: int = 2, **values: float) -> list[Hour]:
    """The last hours with these values times as high."""
    last = [replace(one, **{name: getattr(one, name) * by for name, by in values.items()}) for one in hours[-count:]]
    return [*hours[:-count], *last]


NOON = office()[: 4 * 168 + 4 * 24 + 14]


def test_nothing_unusual_is_below_the_threshold() -> None:
    for metric in METRICS:
        score = anomaly_score(NOON, metric)
        assert score is not None
        assert score.score < THRESHOLD


def test_more_calls_are_told_from_dearer_ones() -> None:
    many, dear = anomaly_score(changed(NOON, calls=3, cost=3), "spend"), anomaly_score(changed(NOON, cost=3), "spend")
    assert many is not None
    assert dear is not None
    assert (many.cause, dear.cause) == ("calls", "cost per call")
    assert min(many.score, dear.score) > THRESHOLD
    assert many.usual == pytest.approx(2e9, rel=0.1)


def test_one_hour_is_not_enough() -> None:
    score = anomaly_score(changed(NOON, 1, calls=6, cost=6), "spend")
    assert score is not None
    assert score.score < THRESHOLD


def test_errors_and_latency_have_scores_of_their_own() -> None:
    errors, slow = anomaly_score(changed(NOON, errors=10), "errors"), anomaly_score(changed(NOON, seconds=3), "latency")
    assert errors is not None
    assert slow is not None
    assert errors.score > THRESHOLD
    assert slow.score > THRESHOLD
    few = [*NOON[:-2], *[Hour(calls=4, errors=4, seconds=9.0)] * 2]
    assert [anomaly_score(few, metric).score for metric in ("errors", "latency")] == [0, 0]  # type: ignore[union-attr, arg-type]


def test_a_morning_as_always_is_not_unusual_though_the_night_was_quiet() -> None:
    morning = office()[: 4 * 168 + 24 + 10]
    score = anomaly_score(morning, "spend")
    assert score is not None
    assert score.score < THRESHOLD


def test_with_too_few_hours_there_is_no_score() -> None:
    assert anomaly_score(office()[: LEAST_HOURS + 1], "spend") is None
    assert anomaly_score(office()[: LEAST_HOURS + 2], "spend") is not None
    assert anomaly_score([], "spend") is None
    assert anomaly_score(NOON, "spend", len(NOON)) is None


def test_the_score_of_an_hour_does_not_depend_on_the_hours_after_it() -> None:
    assert anomaly_score(NOON, "spend", 500) == anomaly_score(NOON[:501], "spend")


def test_comparable_are_the_same_hours_of_the_weeks_before_or_at_first_of_the_days_before() -> None:
    assert set(comparable(800)) == {800 - 168 * week + beside for week in range(1, 5) for beside in (-1, 0, 1)}
    assert set(comparable(80)) == {80 - 24 * day + beside for day in range(1, 4) for beside in (-1, 0, 1)} - {-1} | {7}
    assert all(one >= 0 for one in comparable(336))


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.builds(Hour, calls=st.integers(0, 50), errors=st.just(0), cost=st.integers(0, 10**12)),
        min_size=75,
        max_size=80,
    )
)
def test_every_use_has_a_score(hours: list[Hour]) -> None:
    for metric in METRICS:
        score = anomaly_score(hours, metric)
        assert score is not None
        assert abs(score.score) < float("inf")
