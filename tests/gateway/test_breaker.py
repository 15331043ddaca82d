"""The breaker of a deployment, on a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest

from cognitude_plugins.gateway.breaker import Breaker
from cognitude_plugins.gateway.care import BreakerRules

RULES = BreakerRules(failures=5, error_rate=0.5, calls=20, window_seconds=30, cooldown_seconds=4)


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock, rules: BreakerRules = RULES) -> Breaker:
    breaker = Breaker(rules, clock, Random(1))
    for _ in range(rules.failures):
        breaker.failed()
    return breaker


def test_a_dead_upstream_gets_no_more_calls_than_failures_in_a_row_are_allowed() -> None:
    breaker = Breaker(RULES, Clock(), Random(1))
    sent = 0
    while breaker.enter() is not None:
        sent += 1
        breaker.failed()
    assert (sent, breaker.state) == (5, "open")


def test_a_success_between_failures_begins_the_row_again() -> None:
    breaker = Breaker(RULES, Clock(), Random(1))
    for _ in range(4):
        breaker.failed()
    breaker.succeeded()
    for _ in range(4):
        breaker.failed()
    assert breaker.state == "closed"


def test_it_opens_on_the_share_of_failures_once_enough_calls_were_made() -> None:
    breaker = Breaker(RULES, Clock(), Random(1))
    made = 0
    while breaker.state == "closed":
        breaker.succeeded()
        breaker.failed()
        made += 2
    assert made == 20


def test_failures_of_long_ago_count_no_more() -> None:
    clock = Clock()
    breaker = Breaker(RULES, clock, Random(1))
    for _ in range(9):
        breaker.failed()
        breaker.succeeded()
    clock.now += 31
    for _ in range(3):
        breaker.failed()
        breaker.succeeded()
    assert breaker.state == "closed"


def test_the_wait_is_exact_to_the_moment_it_lets_somebody_in() -> None:
    clock = Clock()
    breaker = opened(clock)
    wait = breaker.wait
    assert 3.2 <= wait <= 4.8
    clock.now += wait - 0.001
    assert breaker.enter() is None
    clock.now += 0.002
    assert breaker.wait == 0
    assert breaker.state == "half_open"
    assert breaker.enter() is True


def test_exactly_one_of_fifty_finds_out_and_a_success_closes() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 5
    admitted = [breaker.enter() for _ in range(50)]
    assert (admitted.count(True), admitted.count(None)) == (1, 49)
    assert breaker.wait > 0
    breaker.succeeded(True)
    assert (breaker.state, breaker.enter(), breaker.wait) == ("closed", False, 0)


def test_a_probe_that_fails_opens_for_twice_as_long_up_to_the_longest() -> None:
    clock = Clock()
    breaker = opened(clock)
    waits = []
    for _ in range(8):
        waits.append(breaker.wait)
        clock.now += breaker.wait + 0.001
        assert breaker.enter() is True
        breaker.failed(True)
    bare = [4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]
    assert all(0.8 * due <= wait <= 1.2 * due for wait, due in zip(waits, bare, strict=True)), waits
    assert len(set(waits)) == 8, "each drawn anew"


def test_after_it_closed_the_cooldown_is_short_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    for outcome in ("failed", "failed", "succeeded"):
        clock.now += 100
        assert breaker.enter() is True
        getattr(breaker, outcome)(True)
    for _ in range(5):
        breaker.failed()
    assert breaker.wait <= 4.8


def test_a_probe_whose_client_left_makes_room_for_the_next() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 5
    assert breaker.enter() is True
    assert breaker.enter() is None
    breaker.left(True)
    assert breaker.enter() is True


def test_a_probe_that_hangs_is_not_waited_for_for_ever() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 5
    assert breaker.enter() is True
    clock.now += RULES.longest_cooldown_seconds + 1
    assert breaker.enter() is True


def test_what_calls_from_before_say_changes_nothing_while_it_is_open() -> None:
    clock = Clock()
    breaker = opened(clock)
    wait = breaker.wait
    breaker.failed()
    breaker.succeeded()
    assert (breaker.state, breaker.wait) == ("open", wait)


def test_a_rest_that_was_asked_for_ends_closed_and_is_bounded() -> None:
    clock = Clock()
    breaker = Breaker(RULES, clock, Random(1))
    breaker.rest(7)
    breaker.rest(3)
    assert (breaker.state, breaker.wait, breaker.enter()) == ("open", 7, None)
    clock.now += 7.1
    assert (breaker.state, breaker.enter(), breaker.enter()) == ("closed", False, False)
    breaker.rest(100_000)
    assert breaker.wait == RULES.longest_cooldown_seconds


def test_a_probe_that_is_told_to_wait_has_found_somebody_at_home() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 5
    assert breaker.enter() is True
    breaker.rest(2, True)
    clock.now += 2.1
    assert [breaker.enter(), breaker.enter()] == [False, False]


@pytest.mark.parametrize("times", [1, 100])
def test_one_that_is_switched_off_lets_everybody_in(times: int) -> None:
    breaker = Breaker(BreakerRules(enabled=False), Clock(), Random(1))
    for _ in range(times):
        breaker.failed()
        breaker.rest(60)
    assert (breaker.state, breaker.enter()) == ("closed", False)
