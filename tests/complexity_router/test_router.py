"""A call and its plan in, the plan in the order of what is wanted out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cognitude_plugins.complexity_router.latencies import Latencies
from cognitude_plugins.complexity_router.learned import Learned
from cognitude_plugins.complexity_router.pins import Pins
from cognitude_plugins.complexity_router.reason import Reason
from cognitude_plugins.complexity_router.routed import Routed
from cognitude_plugins.complexity_router.router import Router
from cognitude_plugins.complexity_router.settings import Config
from cognitude_plugins.complexity_router.shipped import priors
from cognitude_plugins.complexity_router.stored import Label, Place
from cognitude_plugins.complexity_router.wishes import Wishes
from hooks import Booked, Call, Plan, Reply
from hooks.testing import FakeGateway, FakeVitals

from .places import LARGE, PLAN, SMALL, ask, deployment, gateway


def router(lent: FakeGateway | None = None, learned: Learned | None = None, **config: Any) -> Router:
    lent = lent or gateway()
    return Router(
        Config(**config),
        lent,
        name="complexity_router",
        learned=learned or Learned(),
        pins=Pins(100),
        slow=Latencies(lent).slow,
        priors=priors(),
    )


async def routed(one: Router, call: Call | None = None, plan: Plan = PLAN, **wishes: Any) -> tuple[Plan, Routed]:
    found = await one.route(call or ask(), plan, Wishes(**wishes))
    assert not isinstance(found, Reply), found.body
    return found


def knowing(losses: float, count: int = 60, organization: str = "acme") -> Learned:
    learned = Learned()
    for task in ("math", "knowledge", "chat", "code", "reasoning"):
        place = Place(organization=organization, candidate="small", reference="large", task=task)
        for number in range(count):
            learned.put(Label(id=f"{task}-{number}", place=place, loss=losses))
    return learned


def models(plan: Plan) -> list[str]:
    return [one.model for one in plan.deployments]


async def test_where_nothing_is_known_the_plan_begins_with_the_default() -> None:
    plan, found = await routed(router())
    assert models(plan) == ["large", "small"]
    assert Reason.read(plan.reasons[0], "complexity_router") == Reason(
        entry="complexity_router",
        task=found.task,
        level=found.complexity.level,
        model="large",
        why="default, of others too little is known",
    )
    assert router().baseline(plan, found) == LARGE


async def test_what_an_organization_knows_is_used_for_it_alone() -> None:
    one = router(learned=knowing(0.0))
    assert models((await routed(one))[0]) == ["small", "large"]
    assert models((await routed(router(learned=knowing(1.0))))[0]) == ["large", "small"]
    assert models((await routed(router(learned=knowing(0.0, organization="globex"))))[0]) == ["large", "small"]


async def test_in_a_replay_it_decides_by_what_it_once_made_of_the_words() -> None:
    reason = Reason(entry="complexity_router", task="math", level="complex", model="large", why="default")
    then = datetime(2026, 11, 2, tzinfo=UTC)
    booked = Booked(
        id="r",
        at=then,
        requested_model="auto",
        model="large",
        key="",
        user=None,
        source="provider",
        status=200,
        complexity="complex",
        route=f"balancer: weighted; {reason}",
        cost_nano_usd=1,
    )
    _, found = await routed(router(), replace(ask(), recorded=booked))
    assert (found.task, found.complexity.level) == ("math", "complex")
    _, found = await routed(router(), replace(ask(), recorded=replace(booked, route=None)))
    assert found.complexity.level == "simple"


async def test_the_default_is_the_one_that_is_configured() -> None:
    plan, found = await routed(router(aliases={"auto": {"default": "small"}}))
    assert (models(plan), found.decision.reference) == (["small", "large"], "small")


async def test_deployments_of_one_model_stay_together_in_their_order() -> None:
    second = deployment("small-2")
    second = type(second)(
        id="small#2", model="small", provider="azure", upstream_model="small", transport="direct", info={}
    )
    plan, _ = await routed(router(learned=knowing(0.0)), plan=Plan(deployments=(SMALL, LARGE, second)))
    assert [one.id for one in plan.deployments] == ["small", "small#2", "large"]


async def test_a_model_that_cannot_is_left_out_and_it_is_said() -> None:
    plan, _ = await routed(router(), ask(response_format={"type": "json_schema"}))
    assert models(plan) == ["large"]
    assert plan.reasons[0] == "complexity_router: not small"


async def test_that_no_model_can_is_a_400_that_says_why_of_each() -> None:
    lent = gateway(fake_vitals={"large": FakeVitals(at=2.0), "small": FakeVitals(at=1.0)})
    found = await router(lent).route(ask(), PLAN, Wishes(max_latency_ms=500))
    assert isinstance(found, Reply)
    error = found.body["error"]
    assert (found.status, error["code"]) == (400, "no_capable_model")
    assert "large: 95 of 100 answers take up to 2000 ms; small: 95 of 100" in error["message"]


async def test_a_conversation_stays_where_it_began() -> None:
    learned = knowing(0.0)
    one = router(learned=learned)
    assert (await routed(one, ask("Hello there")))[1].model == "small"
    for number in range(200):
        for task in ("math", "knowledge", "chat", "code", "reasoning"):
            place = Place(organization="acme", candidate="small", reference="large", task=task)
            learned.put(Label(id=f"bad-{task}-{number}", place=place, loss=1.0))
    turns = [{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "Hi"}]
    later = ask("", messages=[*turns, {"role": "user", "content": "And now?"}])
    plan, found = await routed(one, later)
    assert (models(plan), found.pinned, found.why) == (["small", "large"], True, "its conversation is there")
    assert (await routed(one, ask("Hello there")))[1].model == "large", "a new conversation begins anew"


async def test_a_conversation_leaves_a_model_that_is_away() -> None:
    lent = gateway()
    one = router(lent, learned=knowing(0.0))
    await routed(one, ask("Hello there"))
    lent.fake_vitals["small"] = FakeVitals(state="open")
    turns = [{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "Hi"}]
    later = ask("", messages=[*turns, {"role": "user", "content": "And now?"}])
    assert (await routed(one, later))[1].model == "large"


async def test_a_dry_run_pins_nothing() -> None:
    from dataclasses import replace

    one = router(learned=knowing(0.0))
    await routed(one, replace(ask("Hello there"), dry_run=True))
    turns = [{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "Hi"}]
    assert not (await routed(one, ask("", messages=turns)))[1].pinned


@pytest.mark.parametrize("stated", [0.1, {"math": 0.1, "knowledge": 0.1}])
async def test_what_the_operator_states_of_a_model_stands_before_what_is_published(stated: Any) -> None:
    one = router(quality={"small": stated})
    assert one.quality(SMALL, "math") == 0.1
    assert router().quality(deployment("gpt-4o-mini"), "math") == 0.70
    assert router().quality(SMALL, "math") is None
