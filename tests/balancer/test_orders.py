"""Strategies that order the deployments of one model: by weight, in turn, by load, by price, the same for the same."""

from __future__ import annotations

from collections import Counter

import pytest

from cognitude_plugins.balancer.fleet import Weights
from cognitude_plugins.balancer.orders import Cheapest, LeastBusy, RoundRobin, Sticky, Weighted
from hooks.testing import FakeVitals

from .fleets import M, asked, fleet, ids, seeded, shares, user

CALL = asked()


def test_weighted_draws_by_weight_and_shuffles_the_rest() -> None:
    order = Weighted(Weights({"m": 5, "m#2": 3}), seeded())
    drawn = [ids(order.of(CALL, M, counts=True)) for _ in range(10_000)]
    assert all(sorted(one) == ["m", "m#2", "m#3", "m#4"] for one in drawn)
    found = shares(one[0] for one in drawn)
    assert found == pytest.approx({"m": 0.5, "m#2": 0.3, "m#3": 0.1, "m#4": 0.1}, abs=0.015)
    behind_m = shares(one[1] for one in drawn if one[0] == "m")
    assert behind_m == pytest.approx({"m#2": 0.6, "m#3": 0.2, "m#4": 0.2}, abs=0.03)


def test_weighted_draws_the_same_from_the_same_seed() -> None:
    first, second = (Weighted(Weights({}), seeded(7)) for _ in range(2))
    assert all(first.of(CALL, M, counts=True) == second.of(CALL, M, counts=True) for _ in range(100))


def test_round_robin_is_as_smooth_as_that_of_nginx() -> None:
    order = RoundRobin(Weights({"m": 5}))
    firsts = [ids(order.of(CALL, M[:3], counts=True))[0] for _ in range(14)]
    assert firsts == ["m", "m", "m#2", "m", "m#3", "m", "m"] * 2


def test_round_robin_goes_round() -> None:
    order = RoundRobin(Weights({}))
    assert [ids(order.of(CALL, M, counts=True))[0] for _ in range(8)] == ["m", "m#2", "m#3", "m#4"] * 2
    assert ids(order.of(CALL, M, counts=True))[1] == "m#2"


def test_round_robin_is_not_moved_on_by_what_does_not_count() -> None:
    order = RoundRobin(Weights({}))
    assert [ids(order.of(CALL, M, counts=False))[0] for _ in range(3)] == ["m"] * 3
    assert ids(order.of(CALL, M, counts=True))[0] == "m"
    assert ids(order.of(CALL, M, counts=False))[0] == "m#2"


def test_round_robin_goes_on_when_one_is_missing_for_a_while() -> None:
    order = RoundRobin(Weights({}))
    without = Counter(ids(order.of(CALL, M[1:], counts=True))[0] for _ in range(30))
    assert set(without.values()) == {10}
    again = Counter(ids(order.of(CALL, M, counts=True))[0] for _ in range(40))
    assert set(again.values()) == {10}


def test_least_busy_takes_the_fewest_calls_for_the_weight() -> None:
    vitals = {"m": FakeVitals(in_flight=5), "m#2": FakeVitals(in_flight=2), "m#3": FakeVitals(in_flight=3)}
    order = LeastBusy(fleet(vitals), Weights({"m": 4}), seeded())
    # (5 + 1) / 4, (2 + 1) / 1, (3 + 1) / 1 and (0 + 1) / 1.
    assert ids(order.of(CALL, M, counts=True)) == ["m#4", "m", "m#2", "m#3"]


def test_least_busy_draws_among_equals() -> None:
    order = LeastBusy(fleet(), Weights({}), seeded())
    found = shares(ids(order.of(CALL, M, counts=True))[0] for _ in range(4000))
    assert found == pytest.approx(dict.fromkeys(ids(M), 0.25), abs=0.03)


def test_the_cheapest_for_this_calls_own_mix_is_first_and_an_unknown_price_last() -> None:
    prices = {"m#2": (1, 100), "m#3": (10, 10), "m#4": (20, 20)}
    order = Cheapest(fleet(prices=prices), completion_tokens=100)
    assert ids(order.of(CALL, M, counts=True)) == ["m#3", "m#4", "m#2", "m"]
    short = asked().set(max_tokens=1)
    assert ids(order.of(short, M, counts=True)) == ["m#2", "m#3", "m#4", "m"]


def test_sticky_keeps_a_user_at_one_and_users_apart_by_organization() -> None:
    order = Sticky(lambda call: str(call.caller.user), Weights({}))
    firsts = {ids(order.of(user("ada"), M, counts=True))[0] for _ in range(20)}
    assert len(firsts) == 1
    two = [[ids(order.of(user(f"u{n}", organization=org), M, counts=True))[0] for n in range(50)] for org in "ab"]
    assert two[0] != two[1]
