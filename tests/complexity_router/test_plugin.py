"""The router as a pipeline has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.complexity_router as package
from cognitude_plugins.complexity_router.plugin import ComplexityRouter
from cognitude_plugins.complexity_router.settings import Config
from cognitude_plugins.complexity_router.stored import Label, Place
from hooks import Call, Reply, hookimpl
from hooks.testing import Exercised, FakeGateway, check_plugin, completion, exercise, make_call
from tests.borrowed import Tables, sqlite_tables

from .places import PLAN, ask, gateway


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, package)
    yield found
    found.close()


@asynccontextmanager
async def opened(tables: Tables, lent: FakeGateway | None = None, **config: Any) -> AsyncIterator[ComplexityRouter]:
    plugin = ComplexityRouter(Config(**config))
    lent = lent or gateway(database=tables.lent())
    async with plugin.lifespan(lent):
        yield plugin


async def done(plugin: ComplexityRouter, call: Call, answer: Any = None) -> Exercised:
    return await exercise(plugin, call=call, plan=PLAN, answer=answer)


def test_it_keeps_the_contract() -> None:
    check_plugin(ComplexityRouter(Config(aliases={"sim": {}})))


async def test_a_call_for_an_alias_is_routed_and_noted_down(tables: Tables) -> None:
    async with opened(tables) as plugin:
        call = ask()
        found = await done(plugin, call)
    assert found.plan.reasons[0].startswith("complexity_router: ")
    assert call.state["ledger"]["complexity"] in ("simple", "medium", "complex")
    assert call.state["ledger"]["baseline"] == PLAN.deployments[0]


async def test_others_pass_untouched(tables: Tables) -> None:
    async with opened(tables) as plugin:
        call = make_call({"model": "large", "messages": [], "routing": {"optimize_for": "nonsense"}})
        found = await done(plugin, call)
    assert found.call is call
    assert found.plan == PLAN
    assert call.state == {}


async def test_routing_does_not_reach_the_provider(tables: Tables) -> None:
    async with opened(tables) as plugin:
        found = await done(plugin, ask(routing={"optimize_for": "latency"}))
    assert found.call is not None
    assert "routing" not in found.call.body


async def test_what_is_wrong_with_it_is_said_before_a_provider_is_asked(tables: Tables) -> None:
    async with opened(tables) as plugin:
        found = await done(plugin, ask(routing={"optimize_for": "speed"}))
    assert (found.reply.status, found.call) == (400, None)


async def test_that_no_model_can_is_said_instead_of_asking_one(tables: Tables) -> None:
    async with opened(tables, gateway(database=tables.lent())) as plugin:
        found = await done(plugin, ask(routing={"max_cost": 1e-9}))
    assert (found.reply.status, found.body["error"]["code"]) == (400, "no_capable_model")


@pytest.mark.parametrize("stream", [False, True])
async def test_the_decision_is_in_the_answer_when_that_is_wanted(tables: Tables, stream: bool) -> None:
    async with opened(tables) as plugin:
        found = await done(plugin, ask(stream=stream, routing={"report": True}))
        plain = await done(plugin, ask(stream=stream))
    assert b'"routing"' in found.raw
    assert found.raw.count(b'"selected_model"') == 1
    assert b"routing" not in plain.raw
    if not stream:
        routing = found.body["routing"]
        assert (routing["selected_model"], routing["runner_up"]) == ("large", "small")
        assert routing["estimated_savings"] == 0
        assert [one["verdict"] for one in routing["alternatives"]] == ["chosen", "unsure"]


async def test_an_error_is_left_as_it_is(tables: Tables) -> None:
    async with opened(tables) as plugin:
        found = await done(plugin, ask(routing={"report": True}), Reply.error(500, "no"))
    assert "routing" not in found.body


async def test_what_is_learned_is_still_there_after_a_restart(tables: Tables) -> None:
    place = Place(organization="acme", candidate="small", reference="large", task="math")
    async with opened(tables) as plugin:
        for number in range(60):
            plugin._desk.learned.put(Label(id=f"{number}", place=place, loss=0.0))
    async with opened(tables) as plugin:
        assert plugin._desk.learned.cells[place].labels == 60
        assert (await plugin.health())["known"] == 1


async def test_an_answer_is_compared_after_it_has_left(tables: Tables) -> None:
    async def answer(call: Call, tags: Any) -> Reply:
        headers = {"x-cognitude-source": "provider", "x-cognitude-model": call.model}
        return Reply.json(completion("4"), headers=headers)

    async with opened(tables, gateway(database=tables.lent(), answer=answer), shadow_rate=1) as plugin:
        for _ in range(30):
            await done(plugin, ask(), Reply.json(completion("The answer is 4")))
        assert plugin._desk.shadow is not None
        await plugin._desk.shadow.settled()
        [cell] = plugin._desk.learned.cells.values()
        assert cell.labels >= 8
        assert cell.losses == 0


async def test_what_is_compared_is_the_call_as_it_came_to_the_router(tables: Tables) -> None:
    """A plugin behind it applies to the other call by itself, and not twice."""

    class Prefix:
        @hookimpl
        def pre_request(self, call: Call) -> Call:
            return call.set(seed=call.body.get("seed", 0) + 1)

    asked: list[Call] = []

    async def answer(call: Call, tags: Any) -> Reply:
        asked.append(call)
        return Reply.json(completion("4"))

    async with opened(tables, gateway(database=tables.lent(), answer=answer), shadow_rate=1) as plugin:
        for _ in range(30):
            sent = await exercise(plugin, Prefix(), call=ask(), plan=PLAN, answer=Reply.json(completion("4")))
            assert sent.call is not None
            assert sent.call.body["seed"] == 1
        assert plugin._desk.shadow is not None
        await plugin._desk.shadow.settled()
    assert asked
    assert all("seed" not in call.body for call in asked)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"aliases": {"smart": {}}}, "aliases.smart: there is no such model"),
        ({"aliases": {"auto": {"default": "huge"}}}, "'huge' is none of its candidates, which are large, small"),
        ({"judge": "nobody"}, "judge: there is no model 'nobody'"),
        ({"judge": "auto"}, "judge: 'auto' is itself routed"),
    ],
)
async def test_a_configuration_that_does_not_fit_the_models_does_not_start(
    tables: Tables, config: dict[str, Any], said: str
) -> None:
    with pytest.raises(Exception, match=said):
        async with opened(tables, **config):
            pass


async def test_jobs_are_there_for_what_is_learned() -> None:
    names = [job.name for job in ComplexityRouter(Config()).schedule()]
    assert names == ["complexity_router-learn", "complexity_router-forget"]
    learning = [job.name for job in ComplexityRouter(Config(learn_from_prompts=True)).schedule()]
    assert "complexity_router-study" in learning
