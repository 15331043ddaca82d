"""One rule's decision over plans of one model and of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cognitude_plugins.balancer.assembly import Assembler
from cognitude_plugins.balancer.fleet import Weights
from cognitude_plugins.balancer.hashing import user_of
from cognitude_plugins.balancer.orders import LeastBusy, RoundRobin
from cognitude_plugins.balancer.router import Router
from cognitude_plugins.balancer.settings import Config
from cognitude_plugins.balancer.splits import Arms, Regions
from hooks import Deployment, Plan
from hooks.testing import FakeGateway, FakeVitals

from .fleets import NOON, M, asked, deployment, fleet, ids, models, plan, seeded, user

VITALS = {
    "a": FakeVitals(in_flight=3),
    "a#2": FakeVitals(in_flight=1),
    "b": FakeVitals(in_flight=2),
    "b#2": FakeVitals(in_flight=0),
}
TWO = plan("b", "b#2", "a", "a#2")


def router(vitals: dict[str, FakeVitals] | None = None, **options: Any) -> Router:
    found = fleet(VITALS if vitals is None else vitals)
    settings: dict[str, Any] = {"order": LeastBusy(found, Weights({}), seeded()), "why": "balancer: x", **options}
    return Router(fleet=found, **settings)


def routed(found: Router, given: Plan, who: str = "ada") -> list[str]:
    result = found.route(user(who), given)
    assert result is not None
    return ids(result.plan)


def regional(*pairs: tuple[str, str]) -> tuple[Deployment, ...]:
    return tuple(deployment(id, region=region) for id, region in pairs)


def test_the_order_of_models_is_kept_and_each_models_deployments_are_ordered() -> None:
    assert routed(router(), TWO) == ["b#2", "b", "a#2", "a"]
    assert routed(router(), plan("a", "b", "a#2", "b#2")) == ["a#2", "a", "b#2", "b"]


def test_across_models_all_are_ordered_together() -> None:
    assert routed(router(across=True), TWO) == ["b#2", "a#2", "b", "a"]


def test_a_turn_is_taken_by_the_first_model_only() -> None:
    found = router(order=RoundRobin(Weights({})))
    calls = [routed(found, plan("b", "b#2", "a", "a#2")) for _ in range(2)]
    assert [one[0] for one in calls] == ["b", "b#2"]
    assert [one[2] for one in calls] == ["a", "a"]
    assert routed(found, plan("a", "a#2", "b", "b#2"))[0] == "a"


def test_an_open_breaker_puts_a_deployment_behind_its_equals_but_not_behind_another_model() -> None:
    vitals = {**VITALS, "b#2": FakeVitals(state="open")}
    assert routed(router(vitals), TWO) == ["b", "b#2", "a#2", "a"]
    half = {**VITALS, "b#2": FakeVitals(state="half_open")}
    assert routed(router(half), TWO)[0] == "b#2"


def test_an_open_breaker_takes_no_turn() -> None:
    vitals = {"m#2": FakeVitals(state="open")}
    found = router(vitals, order=RoundRobin(Weights({})))
    assert [routed(found, Plan(deployments=M))[0] for _ in range(6)] == ["m", "m#3", "m#4"] * 2
    everything = router({one.id: FakeVitals(state="open") for one in M})
    assert routed(everything, Plan(deployments=M)) == ids(M)


def test_regions_are_within_each_model_and_ordered_inside() -> None:
    given = Plan(deployments=regional(("b", "us"), ("b#2", "eu"), ("a", "eu"), ("a#2", "us")))
    assert routed(router(split=Regions(["eu", "us"])), given) == ["b#2", "b", "a", "a#2"]
    assert routed(router(split=Regions(["eu", "us"]), across=True), given) == ["b#2", "a", "a#2", "b"]


def test_only_drops_what_is_outside_the_regions() -> None:
    given = Plan(deployments=regional(("b", "us"), ("b#2", "eu"), ("a", "asia")))
    result = router(split=Regions(["eu", "us"]), only=True).route(asked(), given)
    assert result is not None
    assert ids(result.plan) == ["b#2", "b"]
    assert result.plan.reasons == ("balancer: x only", "balancer: x")
    nothing = router(split=Regions(["moon"]), only=True).route(asked(), given)
    assert nothing is not None
    assert (nothing.plan.deployments, nothing.plan.reasons) == ((), ("balancer: x only",))


def test_a_plan_of_one_is_left_alone() -> None:
    assert router().route(asked(), plan("a")) is None
    left = router(split=Regions(["eu"])).route(asked(), plan("a"))
    assert left is not None
    assert left.plan.reasons == ()


def arms(**members: str) -> Arms:
    found = {name: frozenset(ids.split()) for name, ids in members.items()}
    return Arms("x", "", dict.fromkeys(members, 1.0), found, user_of)


def test_an_arm_of_one_model_comes_before_the_order_of_models_and_is_told() -> None:
    found = router(split=arms(one="a a#2", two="b b#2"), between_models=True)
    for who in ("ada", "bob", "eve", "joe", "kim"):
        result = found.route(user(who), TWO)
        assert result is not None
        expected = {"one": ["a#2", "a", "b#2", "b"], "two": ["b#2", "b", "a#2", "a"]}
        assert result.arm is not None
        assert ids(result.plan) == expected[result.arm]
        assert result.plan.reasons == (f"balancer: x x={result.arm}",)


def test_arms_within_one_model_leave_the_order_of_models() -> None:
    found = router(split=arms(one="a", two="a#2"))
    result = found.route(user("ada"), TWO)
    assert result is not None
    assert ids(result.plan)[:2] == ["b#2", "b"]
    assert result.arm is None


def test_who_has_an_arm_that_is_not_in_the_plan_is_in_none() -> None:
    found = router(split=arms(one="c", two="d"))
    result = found.route(user("ada"), TWO)
    assert result is not None
    assert result.arm is None


def test_an_arm_alone_in_the_plan_is_told_too() -> None:
    found = router(split=arms(one="a", two="a"), only=True)
    result = found.route(user("ada"), TWO)
    assert result is not None
    assert result.arm in ("one", "two")
    assert ids(result.plan) == ["a"]


STRATEGIES: list[dict[str, Any]] = [
    *({"strategy": name} for name in ("weighted", "round_robin", "least_busy", "latency", "cost")),
    {"strategy": "latency", "measure": "p95"},
    {"strategy": "region", "regions": ["eu", "us"]},
    {"strategy": "sticky", "by": "conversation"},
    {"strategy": "canary", "canary": {"deployment": "a#2", "steps": [{"share": 0.5}]}},
]


def firsts(found: Sequence[Deployment]) -> list[str]:
    return list(dict.fromkeys(one.model for one in found))


@settings(max_examples=60)
@given(st.data(), st.sampled_from(STRATEGIES), st.booleans())
def test_every_strategy_gives_back_the_plan_it_was_given_in_another_order(
    data: st.DataObject, rule: dict[str, Any], across: bool
) -> None:
    """And unless it may go across models, their order and so the router's above stays as it was."""
    everything = tuple(
        deployment(f"{model}#{number}" if number > 1 else model, region=region)
        for model in "abc"
        for number, region in enumerate(("us", "eu", "asia"), 1)
    )
    before = Plan(deployments=tuple(data.draw(st.lists(st.sampled_from(everything), unique_by=lambda one: one.id))))
    states = st.sampled_from(["closed", "open", "half_open"])
    vitals: dict[str, Any] = {
        one.id: FakeVitals(
            state=data.draw(states),
            in_flight=data.draw(st.integers(0, 9)),
            seconds=data.draw(st.none() | st.floats(0, 10)),
            peak_seconds=data.draw(st.none() | st.floats(0, 10)),
        )
        for one in everything
    }
    assembler = Assembler(
        name="balancer",
        gateway=FakeGateway(models=models(*everything), fake_vitals=vitals, prices={"a": (1, 2), "b": (2, 1)}),
        random=seeded(),
        now=lambda: NOON,
        clock=lambda: 0.0,
    )
    ready = assembler.assembled(Config.model_validate({"rules": [{**rule, "across": across}]})).rules.of(asked())
    assert ready is not None
    result = ready.router.route(asked(user="ada"), before)
    ordered = before.deployments if result is None else result.plan.deployments
    assert sorted(ids(ordered)) == sorted(ids(before))
    if not across:
        by_model = [one for model in firsts(before.deployments) for one in ordered if one.model == model]
        assert ids(by_model) == ids(ordered)
