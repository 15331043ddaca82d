"""The strategy by latency: what it avoids, what it tries, and what that is worth on a fleet with a slow member."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.balancer.fleet import Weights
from cognitude_plugins.balancer.latency import Fastest, Measure
from cognitude_plugins.balancer.orders import RoundRobin
from hooks.testing import FakeVitals

from .fleets import M, asked, fleet, ids, seeded, shares
from .simulated_fleet import Simulation, p95

CALL = asked()
MEASURES: tuple[Measure, ...] = ("ewma", "p95", "peak_ewma")


def fastest(vitals: dict[str, FakeVitals], measure: Measure = "peak_ewma", **options: Any) -> Fastest:
    settings: dict[str, Any] = {"tolerance": 0.25, "explore": 0.0, "clock": lambda: 0.0, **options}
    return Fastest(fleet(vitals), measure, random=seeded(), **settings)


def seen(*seconds: float | None, busy: tuple[int, ...] = (0, 0, 0, 0)) -> dict[str, FakeVitals]:
    return {
        one.id: FakeVitals(seconds=took, peak_seconds=took, in_flight=calls)
        for one, took, calls in zip(M, seconds, busy, strict=True)
    }


def order_of(found: Fastest) -> list[str]:
    return ids(found.of(CALL, M, counts=True))


def test_peak_ewma_is_the_peak_times_the_calls_under_way_and_this_one() -> None:
    # 0.1 x 5, 0.2 x 2, 0.3 x 1, 0.9 x 1
    assert order_of(fastest(seen(0.1, 0.2, 0.3, 0.9, busy=(4, 1, 0, 0)))) == ["m#3", "m#2", "m", "m#4"]


@pytest.mark.parametrize("measure", ["ewma", "p95"])
def test_of_those_as_fast_as_the_fastest_the_least_busy_is_first_and_the_others_by_their_seconds(
    measure: Measure,
) -> None:
    vitals = seen(0.10, 0.12, 0.5, 0.3, busy=(3, 1, 0, 0))
    assert order_of(fastest(vitals, measure)) == ["m#2", "m", "m#4", "m#3"]
    assert order_of(fastest(vitals, measure, tolerance=0.1)) == ["m", "m#2", "m#4", "m#3"]


@pytest.mark.parametrize("measure", MEASURES)
def test_what_has_not_answered_yet_is_tried_by_one_call_at_a_time(measure: Measure) -> None:
    vitals = seen(0.1, None, 0.2, 0.3)
    assert order_of(fastest(vitals, measure))[0] == "m#2"
    vitals["m#2"].in_flight = 1
    assert order_of(fastest(vitals, measure)) == ["m", "m#3", "m#4", "m#2"]


@pytest.mark.parametrize("measure", MEASURES)
def test_what_has_failed_and_never_answered_is_last(measure: Measure) -> None:
    vitals = seen(0.1, None, 0.2, 0.3)
    vitals["m#2"].error_rate = 1.0
    assert order_of(fastest(vitals, measure)) == ["m", "m#3", "m#4", "m#2"]


@pytest.mark.parametrize("measure", MEASURES)
def test_when_nothing_has_answered_yet_the_calls_are_spread(measure: Measure) -> None:
    vitals = seen(None, None, None, None, busy=(2, 1, 1, 2))
    found = fastest(vitals, measure)
    drawn = shares(order_of(found)[0] for _ in range(400))
    assert drawn == pytest.approx({"m#2": 0.5, "m#3": 0.5}, abs=0.1)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_share_to_explore_goes_to_the_others(measure: Measure) -> None:
    found = fastest(seen(0.1, 0.5, 0.6, 0.7), measure, explore=0.06)
    drawn = shares(order_of(found)[0] for _ in range(20_000))
    assert drawn == pytest.approx({"m": 0.94, "m#2": 0.02, "m#3": 0.02, "m#4": 0.02}, abs=0.005)
    assert all(sorted(order_of(found)) == ids(M) for _ in range(200))


def test_a_percentile_is_asked_for_anew_after_half_a_second() -> None:
    clock = [0.0]
    vitals = seen(0.1, 0.2, 0.4, 0.4)
    found = fastest(vitals, "p95", clock=lambda: clock[0])
    assert order_of(found)[0] == "m"
    vitals["m"].seconds = 9
    assert order_of(found)[0] == "m"
    clock[0] = 0.6
    assert order_of(found)[0] == "m#2"


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("measure", MEASURES)
def test_by_latency_the_95th_percentile_is_a_fifth_below_round_robins_with_one_slow_member(
    measure: Measure, seed: int
) -> None:
    turns = Simulation(seed, slow={2: 3.0})
    by_turns = p95(turns.run(RoundRobin(Weights({})), until=120))
    one = Simulation(seed, slow={2: 3.0})
    order = Fastest(one.fleet, measure, tolerance=0.4, explore=0.02, random=seeded(seed), clock=one.clock)
    by_latency = p95(one.run(order, until=120))
    assert by_latency <= 0.8 * by_turns


@pytest.mark.parametrize("measure", MEASURES)
def test_members_that_are_alike_share_the_calls_evenly(measure: Measure) -> None:
    one = Simulation(4, slow={})
    order = Fastest(one.fleet, measure, tolerance=0.4, explore=0.02, random=seeded(4), clock=one.clock)
    answers = one.run(order, until=120)
    found = shares(str(answer.where) for answer in answers if answer.at > 20)
    assert len(found) == 4
    assert min(found.values()) > 0.12
    turns = Simulation(4, slow={})
    assert p95(answers) < 1.3 * p95(turns.run(RoundRobin(Weights({})), until=120))


@pytest.mark.parametrize("measure", MEASURES)
def test_one_that_becomes_slow_is_left_and_comes_back_when_it_is_fast_again(measure: Measure) -> None:
    one = Simulation(5, slow={})
    order = Fastest(one.fleet, measure, tolerance=0.4, explore=0.02, random=seeded(5), clock=one.clock)

    def share_of_first(since: float, until: float) -> float:
        answers = [answer for answer in one.run(order, until=until) if answer.at > since]
        return sum(answer.where == 0 for answer in answers) / len(answers)

    assert share_of_first(30, 120) > 0.1
    one.places[0].slow = 10.0
    assert share_of_first(240, 300) < 0.04
    one.places[0].slow = 1.0
    assert share_of_first(500, 560) > 0.1


def test_peak_ewma_leaves_a_member_within_a_second_of_its_becoming_slow() -> None:
    one = Simulation(6, slow={})
    order = Fastest(one.fleet, "peak_ewma", tolerance=0.4, explore=0.02, random=seeded(6), clock=one.clock)
    one.run(order, until=30)
    one.places[1].slow = 20.0
    answers = [answer for answer in one.run(order, until=60) if answer.at > 31]
    assert sum(answer.where == 1 for answer in answers) / len(answers) < 0.03
