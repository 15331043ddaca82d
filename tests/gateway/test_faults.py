"""Failures are all counted; each distinct one is logged once a minute."""

from __future__ import annotations

import logging

import pytest

from cognitude_plugins.gateway.faults import Faults


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faults(clock: Clock, caplog: pytest.LogCaptureFixture) -> Faults:
    caplog.set_level(logging.ERROR)
    return Faults("mine", clock)


def test_an_error_is_logged_once_a_minute_and_says_how_often_it_came(
    faults: Faults, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        faults.failed("route", ValueError("no"))
    assert [record.message for record in caplog.records] == ["plugin mine failed in route: ValueError: no"]
    assert caplog.records[0].exc_info
    clock.now += 59.9
    faults.failed("route", ValueError("no"))
    assert len(caplog.records) == 1
    clock.now += 0.1
    faults.failed("route", ValueError("no"))
    assert caplog.records[1].message == "plugin mine failed in route: ValueError: no (5 more in the last minute)"
    assert faults.errors == 7


def test_a_different_error_or_place_is_logged_at_once(faults: Faults, caplog: pytest.LogCaptureFixture) -> None:
    faults.failed("route", ValueError("no"))
    faults.failed("route", ValueError("never"))
    faults.failed("pre_request", ValueError("no"))
    faults.failed("route", KeyError("no"))
    assert len(caplog.records) == 4


def test_a_first_error_is_logged_however_young_the_clock_is(caplog: pytest.LogCaptureFixture) -> None:
    Faults("mine", lambda: 0.0).failed("route", ValueError())
    assert caplog.records[-1].message == "plugin mine failed in route: ValueError"


def test_errors_that_are_all_different_do_not_fill_the_memory(faults: Faults) -> None:
    for number in range(2000):
        faults.failed("route", ValueError(str(number)))
        faults.would(f"do {number}")
    assert len(faults._logged) <= 256
    assert len(faults.shadow) <= 256
    assert faults.errors == 2000


def test_what_is_public_quotes_no_prompt(faults: Faults) -> None:
    faults.failed("map", ValueError("the prompt was: my secret"))
    faults.would("route: try up")
    faults.would("route: try up")
    assert faults.as_dict() == {"errors": 1, "last_error": "map: ValueError", "shadow": {"route: try up": 2}}
