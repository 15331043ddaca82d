"""How a deployment is doing, counted as its calls end."""

from __future__ import annotations

import pytest

from cognitude_plugins.gateway.vitals import Recent, Vital, VitalsBook


def test_nothing_has_been_seen_at_first() -> None:
    vital = Vital()
    assert (vital.seconds, vital.peak_seconds, vital.quantile(0.5), vital.error_rate) == (None, None, None, 0.0)


def test_a_slower_answer_lifts_the_peak_at_once_and_the_mean_a_little() -> None:
    vital = Vital()
    for _ in range(50):
        vital.answered(0.1)
    vital.answered(2.0)
    assert vital.peak_seconds == 2.0
    assert vital.seconds is not None
    assert 0.1 <= vital.seconds < 0.5


def test_quantiles_and_failures_are_of_the_recent() -> None:
    vital = Vital()
    for took in range(1, 101):
        vital.answered(took / 100)
    for _ in range(25):
        vital.failed()
    assert vital.quantile(0.5) == pytest.approx(0.5, rel=0.03)
    assert vital.quantile(0.95) == pytest.approx(0.95, rel=0.03)
    assert vital.error_rate == 0.2


def test_each_deployment_has_its_own_for_good() -> None:
    book = VitalsBook()
    assert book.of("a") is book.of("a") is not book.of("b")


def test_calls_with_an_organizations_own_credential_are_counted_apart() -> None:
    book = VitalsBook()
    assert book.of("a", "acme") is book.of("a", "acme")
    assert book.of("a", "acme") is not book.of("a")
    assert book.of("a", "acme") is not book.of("a", "other")


def test_what_is_older_than_two_minutes_is_forgotten() -> None:
    recent = Recent()
    recent.add(1000.0, 5000)
    recent.add(1001.0, None)
    assert (recent.counts(1059.0), recent.counts(1061.0)) == ((1, 1), (1, 1))
    recent.add(1062.0, 9000)
    assert recent.counts(1063.0) == (2, 1)
    assert sum(recent.buckets(1063.0).values()) == 2
    assert recent.counts(1125.0) == (1, 0)
    assert recent.counts(1300.0) == (0, 0)
    assert recent.buckets(1300.0) == {}


def test_what_is_usual_is_known_from_so_many_answers_on() -> None:
    vital = Vital()
    assert vital.usual(0.95, 1) is None
    vital = Vital()
    for _ in range(10):
        vital.answered(0.5)
    assert vital.usual(0.95, 10) == pytest.approx(0.5, rel=0.03)
