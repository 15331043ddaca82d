"""What comes behind a plan, in which order, and for whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.gateway.config import examine
from cognitude_plugins.gateway.fallbacks import behind, loops, order
from cognitude_plugins.gateway.models import targets
from cognitude_plugins.gateway.pipeline import planned
from cognitude_plugins.gateway.providers.catalog import Catalog
from cognitude_plugins.gateway.providers.verdict import failure
from cognitude_plugins.gateway.yamlfile import Document
from hooks import Call, Plan, Reply, hookimpl
from tests.gateway.calls import KEY, Client, Upstream, runtime_of, whole

YAML = """
models:
  - {name: small, provider: simulated/a, fallbacks: [large]}
  - {name: small, provider: simulated/b}
  - {name: large, provider: simulated/c, fallbacks: [other]}
  - {name: other, provider: simulated/d}
  - {name: auto, candidates: [small], fallbacks: [best]}
  - {name: best, candidates: [other, large]}
  - {name: "*", provider: simulated/*, fallbacks: [small]}
"""


def catalog_of() -> Catalog:
    config, problems = examine(Document.parse(YAML, file="p.yaml"), {})
    assert not problems
    return targets(config)


def extras_of(name: str) -> list[tuple[str, list[str]]]:
    found = catalog_of().fallbacks.get(name, ())
    return [(model, [one.deployment.id for one in these]) for model, these in found]


def test_those_of_a_model_and_of_its_fallbacks_in_turn() -> None:
    assert extras_of("small") == [("large", ["large"]), ("other", ["other"])]
    assert extras_of("other") == []


def test_an_aliass_own_come_before_those_of_what_it_stands_for() -> None:
    assert extras_of("auto") == [("best", ["other", "large"]), ("large", ["large"]), ("other", ["other"])]


def test_any_other_name_has_those_of_the_catch_all() -> None:
    assert extras_of("*")[0] == ("small", ["small", "small#2"])


def test_each_name_once_however_often_it_is_named() -> None:
    assert order("a", {"a": ["b", "c"], "b": ["c"], "c": ["d"]}, {}) == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("fallbacks", "candidates", "chains"),
    [
        ({"a": ["b"], "b": ["a"]}, {}, ["a b a", "b a b"]),
        ({"a": ["a"]}, {}, ["a a"]),
        ({"b": ["x"]}, {"x": ["y"], "y": ["b"]}, ["b x y b"]),
        ({"a": ["b"], "b": ["c"]}, {"x": ["a", "b"]}, []),
        ({"x": ["b"]}, {"x": ["a"]}, []),
    ],
)
def test_chains_that_come_back(fallbacks: Any, candidates: Any, chains: list[str]) -> None:
    assert [" ".join(chain) for _, chain in loops(fallbacks, candidates)] == chains


def added(allowed: tuple[str, ...] | None = None, unpriced: Any = None) -> Plan:
    catalog = catalog_of()
    plan, found = planned(catalog.models["small"])
    plan = plan.rank(lambda one: -len(one.id), why="the second first")
    made, known = behind(plan, found, catalog.fallbacks["small"], allowed, unpriced)
    assert {one.id for one in made.deployments} <= known.keys()
    return made


def ids(plan: Plan) -> list[str]:
    return [one.id for one in plan.deployments]


def test_they_come_behind_what_the_routers_left_and_the_reasons_say_so() -> None:
    plan = added()
    assert ids(plan) == ["small#2", "small", "large", "other"]
    assert plan.reasons[-1] == "fallbacks: large, other"


def test_only_those_that_the_caller_may_use_and_whose_price_is_known_where_it_must_be() -> None:
    assert ids(added(("small", "other"))) == ["small#2", "small", "other"]
    assert ids(added(unpriced=lambda one: one.id == "large")) == ["small#2", "small", "other"]
    nothing = added(("small",))
    assert (ids(nothing), "fallbacks" in nothing.reasons[-1]) == (["small#2", "small"], False)


CALLED = f"""
gateway:
  data_dir: data
  keys: [{{id: test, secret: {KEY}, organization: acme}}]
  retries: {{most: 0}}
models:
  - {{name: up, provider: simulated/echo, fallbacks: [spare]}}
  - {{name: spare, provider: simulated/second}}
"""


async def fails_first(call: Call) -> Reply:
    if not call.state.setdefault("seen", False):
        call.state["seen"] = True
        raise failure("connect", "no")
    return whole()


async def test_a_call_goes_on_to_the_fallback(tmp_path: Path) -> None:
    upstream = Upstream(fails_first)
    said = await Client().ask(runtime_of(tmp_path, upstream=upstream, yaml=CALLED))
    assert (said.status, said.headers["x-cognitude-model"]) == (200, "spare")
    assert said.headers["x-cognitude-route"] == "fallbacks: spare"
    assert said.headers["x-cognitude-tried"].startswith("up connect ")


class Nothing:
    @hookimpl
    async def route(self, plan: Plan) -> Plan:
        return plan.keep(lambda one: False, why="nothing will do")


async def test_a_router_that_leaves_nothing_has_the_last_word(tmp_path: Path) -> None:
    upstream = Upstream(fails_first)
    said = await Client().ask(runtime_of(tmp_path, Nothing(), upstream=upstream, yaml=CALLED))
    assert (said.status, upstream.asked) == (503, [])
