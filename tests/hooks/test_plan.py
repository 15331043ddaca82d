"""Plans: narrowing and stable ranking."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hooks import Deployment, Plan


def deployments(*costs: tuple[int, int]) -> tuple[Deployment, ...]:
    return tuple(
        Deployment(
            id=f"d{index}",
            model="m",
            provider="p",
            upstream_model="u",
            transport="direct",
            info={"price": price, "latency": latency},
        )
        for index, (price, latency) in enumerate(costs)
    )


COSTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8)


@given(COSTS)
def test_a_later_ranking_wins_and_an_earlier_one_breaks_its_ties(costs: list[tuple[int, int]]) -> None:
    plan = Plan(deployments=deployments(*costs))
    ranked = plan.rank(lambda one: one.info["latency"], why="fast").rank(lambda one: one.info["price"], why="cheap")
    wanted = sorted(plan.deployments, key=lambda one: (one.info["price"], one.info["latency"]))
    assert ranked.deployments == tuple(wanted)
    assert ranked.reasons == ("fast", "cheap")


@given(COSTS, st.integers(0, 3))
def test_keeping_only_drops_and_does_not_reorder(costs: list[tuple[int, int]], limit: int) -> None:
    plan = Plan(deployments=deployments(*costs), reasons=("before",))
    kept = plan.keep(lambda one: one.info["price"] <= limit, why="budget")
    assert kept.deployments == tuple(one for one in plan.deployments if one.info["price"] <= limit)
    assert kept.reasons == ("before", "budget")
    assert plan.reasons == ("before",)


def test_a_deployment_can_be_a_key_whatever_its_info() -> None:
    one, two = deployments((1, 1), (1, 2))
    assert {one: "a", two: "b"}[one] == "a"
