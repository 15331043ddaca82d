"""Intervals that cover the true difference as often as they say, although calls of one user are alike."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import fmean

import pytest

from cognitude_plugins.balancer.hashing import user_of
from cognitude_plugins.balancer.intervals import Interval, Moments, newcombe, student, welch
from cognitude_plugins.balancer.splits import Arms
from hooks import Caller

RUNS = 200


def moments(values: Sequence[float]) -> Moments:
    mean = fmean(values)
    return Moments(n=len(values), mean=mean, squares=sum((value - mean) ** 2 for value in values))


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (5, 2.5706), (10, 2.2281), (30, 2.0423), (1e6, 1.96)],
)
def test_students_t_is_that_of_the_tables(freedom: float, expected: float) -> None:
    assert student(freedom) == pytest.approx(expected, rel=0.004)


def test_welch_is_that_of_a_worked_example() -> None:
    """Their statistic is -2.46 with 25 degrees of freedom, of which Student's t is 2.0595."""
    a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4]
    b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4]
    found = welch(moments(a), moments(b))
    assert found is not None
    difference = fmean(a) - fmean(b)
    reach = 2.0595 * difference / -2.46
    assert (found.low, found.high) == pytest.approx((difference - reach, difference + reach), abs=0.01)


def test_newcombe_is_that_of_his_own_example() -> None:
    """56 of 70 against 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, table II, method 10), each call a user's own."""

    def users(hits: int, of: int) -> Moments:
        return moments([1.0] * hits + [0.0] * (of - hits))

    found = newcombe(users(56, 70), 70, users(48, 80), 80)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=0.004)


def test_without_two_users_in_each_arm_there_is_no_interval() -> None:
    one, two = moments([1.0]), moments([1.0, 2.0])
    assert welch(one, two) is None
    assert welch(two, one) is None
    assert newcombe(one, 1, two, 2) is None
    assert welch(Moments(), two) is None


def test_without_any_error_the_interval_of_a_rate_is_still_one() -> None:
    none = moments([0.0] * 50)
    found = newcombe(none, 500, none, 500)
    assert found is not None
    assert -0.1 < found.low < 0 < found.high < 0.1


class Population:
    """Users that differ from each other more than their own calls do, and call one to twelve times."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def cost(self, arm: str) -> float:
        own = self.random.lognormvariate(0, 0.8)
        calls = [own * self.random.lognormvariate(0, 0.3) for _ in range(self.calls())]
        return fmean(calls) * (1.2 if arm == "b" else 1.0)

    def errors(self, arm: str) -> tuple[float, int]:
        rate = self.random.betavariate(0.5, 9.5) if arm == "a" else self.random.betavariate(1.0, 9.0)
        calls = self.calls()
        return sum(self.random.random() < rate for _ in range(calls)) / calls, calls

    def calls(self) -> int:
        return self.random.randint(1, 12)


def split(seed: int, users: int) -> list[str]:
    arms = Arms(f"run-{seed}", "", {"a": 1, "b": 1}, {"a": frozenset(), "b": frozenset()}, user_of)
    callers = (Caller(organization="acme", user=f"user-{number}") for number in range(users))
    return [arms.arm_of("acme", user_of(caller)) for caller in callers]


def covered(found: Sequence[Interval | None], true: float) -> float:
    return sum(one is not None and one.low <= true <= one.high for one in found) / len(found)


def test_the_interval_of_a_mean_covers_the_true_difference() -> None:
    found = []
    for seed in range(RUNS):
        population = Population(seed)
        costs: dict[str, list[float]] = {"a": [], "b": []}
        for arm in split(seed, 400):
            costs[arm].append(population.cost(arm))
        found.append(welch(moments(costs["b"]), moments(costs["a"])))
    # The mean of a lognormal is exp(s² / 2), here of both factors.
    true = 0.2 * 2.718281828 ** (0.8**2 / 2 + 0.3**2 / 2)
    assert covered(found, true) >= 0.93


def test_the_interval_of_a_rate_covers_the_true_difference() -> None:
    found = []
    for seed in range(RUNS):
        population = Population(seed)
        rates: dict[str, list[tuple[float, int]]] = {"a": [], "b": []}
        for arm in split(seed, 400):
            rates[arm].append(population.errors(arm))
        b, a = (moments([rate for rate, _ in rates[arm]]) for arm in "ba")
        found.append(newcombe(b, sum(n for _, n in rates["b"]), a, sum(n for _, n in rates["a"])))
    assert covered(found, 0.05) >= 0.93


def test_calls_in_the_place_of_users_would_not_cover_it() -> None:
    """Why users are counted: users who call often weigh most, and their calls are alike."""
    found = []
    for seed in range(RUNS):
        random = Random(seed)
        calls: dict[str, list[float]] = {"a": [], "b": []}
        for arm in split(seed, 200):
            own = random.lognormvariate(0, 0.8)
            calls[arm] += [own * random.lognormvariate(0, 0.3) for _ in range(random.choice((1, 1, 1, 40)))]
        found.append(welch(moments(calls["b"]), moments(calls["a"])))
    assert covered(found, 0.0) < 0.8
