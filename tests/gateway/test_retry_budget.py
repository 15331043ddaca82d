"""A provider that fails is not called much more often for it."""

from __future__ import annotations

import pytest

from cognitude_plugins.gateway.retry_budget import RetryBudget
from tests.gateway.test_breaker import Clock


def test_of_a_thousand_calls_that_fail_two_hundred_are_retried() -> None:
    budget = RetryBudget(20, 0, Clock())
    retried = 0
    for _ in range(1000):
        budget.deposit()
        retried += budget.withdraw()
    assert retried == 200


@pytest.mark.parametrize("calls_a_second", [1, 5, 40])
def test_the_allowance_comes_on_top_every_second(calls_a_second: int) -> None:
    clock = Clock()
    budget = RetryBudget(20, 10, clock)
    made = retried = 0
    for _ in range(60 * calls_a_second):
        clock.now += 1 / calls_a_second
        made += 1
        budget.deposit()
        retried += budget.withdraw()
    assert min(made, 0.2 * made) <= retried <= 0.2 * made + 10 * 61
    if calls_a_second <= 10:
        assert retried == made, "few calls are all retried"


def test_what_was_not_used_is_forgotten() -> None:
    clock = Clock()
    budget = RetryBudget(20, 0, clock)
    for _ in range(1000):
        budget.deposit()
    clock.now += 11
    budget.deposit()
    assert not budget.withdraw()


def test_calls_pay_for_at_least_five_seconds() -> None:
    clock = Clock()
    budget = RetryBudget(20, 0, clock)
    for _ in range(50):
        budget.deposit()
    clock.now += 5.5
    assert sum(budget.withdraw() for _ in range(50)) == 10


def test_without_share_and_allowance_nothing_is_retried() -> None:
    budget = RetryBudget(0, 0, Clock())
    budget.deposit()
    assert not budget.withdraw()
