"""The balancer as a pipeline has it: which rule decides, what it leaves alone, what is counted and copied."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import cognitude_plugins.balancer as package
from cognitude_plugins.balancer.plugin import Balancer
from cognitude_plugins.balancer.settings import Config
from hooks import Call, ConfigError, Deployment, Plan, hookimpl
from hooks.testing import FakeGateway, FakeVitals, check_plugin, exercise

from .fleets import NOON, M, asked, deployment, ids, models, seeded

README = (Path(package.__file__).parent / "README.md").read_text()


@asynccontextmanager
async def opened(
    *rules: Mapping[str, Any], found: tuple[Deployment, ...] = M, options: Any = None, **gateway: Any
) -> AsyncIterator[Balancer]:
    config = Config.model_validate({**({"rules": list(rules)} if rules else {}), **(options or {})})
    plugin = Balancer(config, random=seeded(), now=lambda: NOON, clock=lambda: 0.0)
    async with plugin.lifespan(FakeGateway(models=models(*found), **gateway)):
        yield plugin


async def routed(plugin: Balancer, call: Call | None = None, found: tuple[Deployment, ...] = M) -> Plan:
    return (await exercise(plugin, call=call or asked(), plan=Plan(deployments=found))).plan


def test_it_keeps_the_contract() -> None:
    check_plugin(Balancer(Config()))


async def test_without_rules_it_is_least_busy() -> None:
    vitals = {one.id: FakeVitals(in_flight=busy) for one, busy in zip(M, (3, 2, 1, 0), strict=True)}
    async with opened(fake_vitals=vitals) as plugin:
        plan = await routed(plugin)
    assert ids(plan) == ["m#4", "m#3", "m#2", "m"]
    assert plan.reasons == ("balancer: least_busy",)


async def test_the_first_rule_whose_models_and_condition_match_decides() -> None:
    rules = (
        {"models": ["other*"], "strategy": "weighted"},
        {"models": ["m"], "when": "caller.user == 'ada'", "strategy": "round_robin"},
        {"models": ["m"], "when": "caller.user == 'bob'", "strategy": "cost"},
        {"models": ["*"], "strategy": "least_busy"},
    )
    async with opened(*rules) as plugin:
        reasons = [(await routed(plugin, asked(user=user))).reasons for user in ("ada", "bob", "eve")]
    assert reasons == [("balancer: round_robin",), ("balancer: cost",), ("balancer: least_busy",)]


async def test_what_no_rule_is_for_is_left_alone() -> None:
    async with opened({"models": ["m"], "when": "call.stream", "strategy": "weighted"}) as plugin:
        plan = await routed(plugin)
    assert (ids(plan), plan.reasons) == (ids(M), ())


async def test_one_deployment_is_no_choice() -> None:
    async with opened({"strategy": "latency"}) as plugin:
        plan = await routed(plugin, found=M[:1])
    assert (ids(plan), plan.reasons) == (["m"], ())


async def test_nothing_of_the_caller_is_in_a_reason() -> None:
    rule = {"strategy": "sticky", "by": "user"}
    async with opened(rule) as plugin:
        plan = await routed(plugin, asked(user="ada@example.org", key="secret-key-id"))
    assert plan.reasons == ("balancer: sticky",)


async def test_a_router_above_keeps_its_choice_of_the_model() -> None:
    """The plan of an alias of two models, and a router that prefers the second."""
    found = (deployment("a"), deployment("a#2"), deployment("b"), deployment("b#2"))
    vitals = {"a": FakeVitals(in_flight=9), "b": FakeVitals(in_flight=99), "b#2": FakeVitals(in_flight=98)}

    class PreferB:
        @hookimpl
        def route(self, plan: Plan) -> Plan:
            return plan.rank(lambda one: one.model != "b", why="b is better")

    plan = Plan(deployments=found)
    async with opened({"strategy": "least_busy"}, found=found, fake_vitals=vitals) as plugin:
        within = (await exercise(PreferB(), plugin, call=asked("auto"), plan=plan)).plan
    assert ids(within) == ["b#2", "b", "a#2", "a"]
    async with opened({"strategy": "least_busy", "across": True}, found=found, fake_vitals=vitals) as plugin:
        across = (await exercise(PreferB(), plugin, call=asked("auto"), plan=plan)).plan
    assert ids(across) == ["a#2", "a", "b#2", "b"]


async def test_a_dry_run_moves_no_turn() -> None:
    async with opened({"strategy": "round_robin"}) as plugin:
        tried = [ids(await routed(plugin, asked(dry_run=True)))[0] for _ in range(3)]
        called = ids(await routed(plugin))[0]
    assert [*tried, called] == ["m"] * 4


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"rules": [{"models": ["mm"], "strategy": "weighted"}]}, r"rules\[0\].models\[0\]: is no model .*mean 'm'"),
        ({"rules": [{"strategy": "weighted", "weights": {"m#9": 1}}]}, r"rules\[0\].weights: is no deployment"),
        (
            {"rules": [{"strategy": "canary", "canary": {"deployment": "m#9", "steps": [{"share": 1}]}}]},
            r"rules\[0\].canary.deployment: is no deployment .*'m#9'.*mean 'm",
        ),
        ({"mirrors": [{"name": "x", "to": "nope", "share": 1}]}, r"mirrors\[0\].to: is no model"),
    ],
)
async def test_a_name_that_is_not_there_is_an_error_at_the_start(config: Any, message: str) -> None:
    plugin = Balancer(Config.model_validate(config))
    with pytest.raises(ConfigError, match=message):
        async with plugin.lifespan(FakeGateway(models=models(*M))):
            pass


def yaml_blocks() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)


def written_models(entries: list[dict[str, Any]]) -> dict[str, tuple[Deployment, ...]]:
    """As the gateway would make them of the file."""
    found: dict[str, tuple[Deployment, ...]] = {}
    for entry in entries:
        name = entry["name"]
        if "candidates" in entry:
            found[name] = tuple(one for model in entry["candidates"] for one in found[model])
        else:
            number = len(found.get(name, ())) + 1
            one = deployment(name if number == 1 else f"{name}#{number}", model=name, **entry.get("info", {}))
            found[name] = (*found.get(name, ()), one)
    return found


@pytest.mark.parametrize("text", yaml_blocks())
async def test_an_example_of_the_readme_starts(text: str) -> None:
    document = YAML(typ="safe").load(StringIO(text))
    [entry] = document["pipeline"]
    plugin = Balancer(Config.model_validate(entry["config"]))
    found = written_models(document["models"])
    async with plugin.lifespan(FakeGateway(models=found)):
        for name, reached in found.items():
            done = await exercise(plugin, call=asked(name), plan=Plan(deployments=reached))
            assert sorted(ids(done.plan)) == sorted(ids(reached))
