"""The plugin as a gateway runs it: what is reserved is put right, what is told is right, the contract is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.limiter as package
from cognitude_plugins.limiter import Limiter
from cognitude_plugins.limiter.settings import Config, Limit
from hooks import Call, Ceiling, Database, Deployment, Plan, Reply, hookimpl
from hooks.testing import FakeGateway, check_plugin, completion, exercise, make_call, streamed
from tests.borrowed import Tables, sqlite_tables

SIM = Deployment(id="sim", model="m", provider="p", upstream_model="m", transport="direct")
OTHER = Deployment(id="other", model="m", provider="q", upstream_model="m", transport="direct")
PLAN = Plan(deployments=(SIM, OTHER))
USED = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}


@pytest.fixture
def database(tmp_path: Path) -> AsyncIterator[Database]:
    tables: Tables = sqlite_tables(tmp_path, package)
    yield tables.lent()  # type: ignore[misc]
    tables.close()


def limit(unit: str, n: Any, per: str | None = "day", scope: str = "organization", **more: Any) -> Limit:
    return Limit(**{"scope": scope, "unit": unit, "per": per, "limit": Decimal(str(n)), **more})


@asynccontextmanager
async def limiting(
    database: Database, *limits: Limit | Ceiling, prices: Mapping[str, tuple[int, int]] | None = None, cap: int = 100
) -> AsyncIterator[Limiter]:
    """Ceilings among the limits are published."""
    configured = [one for one in limits if isinstance(one, Limit)]
    limiter = Limiter(Config(limits=configured, completion_tokens=cap))
    gateway = FakeGateway(database=database, models={"m": (SIM, OTHER)}, prices=prices or {})
    gateway.ceilings.publish("test", [one for one in limits if isinstance(one, Ceiling)])
    async with limiter.lifespan(gateway):
        yield limiter


def call(id: str = "one", **body: Any) -> Call:
    made = make_call({"model": "m", "messages": [{"role": "user", "content": "Hello"}], **body}, organization="acme")
    return replace(made, id=id)


async def used(limiter: Limiter) -> list[int]:
    return [one.used for one in await limiter._desk.standing("acme", key="k")]


ANSWERS: dict[str, tuple[Any, int | None, list[int]]] = {
    "reported": (Reply.json(completion("Hi", usage=USED)), None, [50, 0, 1]),
    "stream": (streamed("a", "b", usage=USED), None, [50, 0, 1]),
    "an error of the provider": (Reply.error(400, "No."), None, [0, 0, 1]),
    "unreachable": (replace(Reply.error(502, "No."), source="error"), None, [0, 0, 1]),
}


@pytest.mark.parametrize("kind", ANSWERS)
async def test_what_was_reserved_is_put_right_to_what_was_used(database: Database, kind: str) -> None:
    answer, hang_up, expected = ANSWERS[kind]
    limits = (limit("tokens", 10_000), limit("concurrency", 5, None), limit("requests", 100))
    async with limiting(database, *limits) as limiter:
        asked = call(stream=kind == "stream")
        await exercise(limiter, call=asked, answer=answer, plan=PLAN, hang_up_after=hang_up)
        assert await used(limiter) == expected


async def test_an_answer_from_a_cache_used_nothing(database: Database) -> None:
    class Cache:
        @hookimpl
        def pre_request(self) -> Reply:
            return Reply.json(completion("Hi", usage=USED))

    async with limiting(database, limit("tokens", 10_000), limit("requests", 100)) as limiter:
        await exercise(limiter, Cache(), call=call(), plan=PLAN)
        assert await used(limiter) == [0, 1]


async def test_while_a_call_is_under_way_it_counts(database: Database) -> None:
    limits = (limit("tokens", 10_000), limit("concurrency", 5, None))
    async with limiting(database, *limits) as limiter:
        assert await limiter.pre_request(call(max_tokens=60)) is None
        tokens, under_way = await used(limiter)
        assert (tokens > 60, under_way) == (True, 1)


async def test_a_settlement_made_twice_counts_once(database: Database) -> None:
    async with limiting(database, limit("tokens", 10_000)) as limiter:
        told: list[Callable[[Any], Any]] = []
        asked = call()
        await limiter.pre_request(asked)
        reply = await limiter.post_response(asked, replace(Reply.json(completion("Hi", usage=USED)), source="provider"))
        assert reply is not None
        told = [layer.watcher for layer in reply.layers]  # type: ignore[union-attr]
        done = await exercise(call=call(), answer=Reply.json(completion("Hi", usage=USED)), plan=PLAN)
        for _ in range(3):
            for watcher in told:
                watcher(done.outcome)
        assert await used(limiter) == [50]


async def test_what_an_answer_of_another_provider_used_is_counted_there(database: Database) -> None:
    async with limiting(database, limit("tokens", 10_000, scope="provider")) as limiter:
        answer = replace(Reply.json(completion("Hi", usage=USED)), source="provider", deployment=OTHER, attempts=2)
        await exercise(limiter, call=call(), answer=answer, plan=Plan(deployments=(OTHER, SIM)))
        found = {one.subject: one.used for one in await limiter._desk.standing("acme", model="m")}
        assert found == {"p:p": 0}
        charges = limiter._desk.policies.looks(
            [(limiter._desk.policies.rules("acme", "")[0], "p:q")],
            "acme",
            limiter._desk._counters.now(),  # type: ignore[union-attr]
        )
        verdict = await limiter._desk._counters.look("acme", charges)  # type: ignore[union-attr]
        assert verdict.states[0].remaining == 9_950


async def test_a_full_provider_is_left_out_of_the_plan(database: Database) -> None:
    async with limiting(database, limit("requests", 1, scope="provider")) as limiter:
        first = await exercise(limiter, call=call(), plan=PLAN)
        second = await exercise(limiter, call=call("two"), plan=PLAN)
        third = await exercise(limiter, call=call("three"), plan=PLAN)
        assert [one.id for one in first.plan.deployments] == ["sim", "other"]
        assert [one.id for one in second.plan.deployments] == ["other"]
        assert second.plan.reasons == ("limiter: the limit of p is used up",)
        assert third.reply.status == 429


async def test_a_stream_ends_when_its_money_is_gone(database: Database) -> None:
    prices = {"sim": (10, 1000)}
    async with limiting(database, limit("cost_usd", "0.00003"), prices=prices, cap=10) as limiter:
        words = streamed(*("w " for _ in range(100)), usage=USED)
        asked = call(stream=True, stream_options={"include_usage": True})
        done = await exercise(limiter, call=asked, answer=words, plan=PLAN)
        choice = done.body["choices"][0]
        assert choice["finish_reason"] == "length"
        written = choice["message"]["content"].count("w")
        assert 10 < written <= 30
        assert done.raw.endswith(b"data: [DONE]\n\n")


async def test_a_stream_without_a_price_goes_to_its_end(database: Database) -> None:
    async with limiting(database, limit("cost_usd", "0.00003"), cap=10) as limiter:
        words = streamed(*("w " for _ in range(100)), usage=USED)
        done = await exercise(limiter, call=call(stream=True), answer=words, plan=PLAN)
        assert done.body["choices"][0]["message"]["content"].count("w") == 100


async def test_it_keeps_the_contract(database: Database) -> None:
    check_plugin(Limiter(Config()))
    async with limiting(database, limit("tokens", 10_000), limit("requests", 10)) as limiter:
        names = {job.name for job in limiter.schedule()}
        assert names == {"limiter-overrides", "limiter-budgets", "limiter-leases", "limiter-sweep"}
        for job in limiter.schedule():
            await job.run()
        assert await limiter.health() == {"status": "ok", "counters": "process"}


async def test_before_it_is_started_it_lets_everything_through() -> None:
    done = await exercise(Limiter(Config()), call=call(), plan=PLAN)
    assert done.reply.status == 200


async def test_two_limiters_in_one_pipeline_do_not_settle_each_others_calls(database: Database) -> None:
    async with limiting(database, limit("tokens", 10_000)) as one, limiting(database, limit("tokens", 500)) as other:
        other._name = "other"
        await exercise(one, other, call=call(), answer=Reply.json(completion("Hi", usage=USED)), plan=PLAN)
        assert (await used(one), await used(other)) == ([50], [50])


def budget(**fields: Any) -> Ceiling:
    values: dict[str, Any] = {"id": "b1", "organization": "acme", "nano_usd": 30_000, "per": "month"}
    return Ceiling(**(values | fields))


async def test_it_says_that_it_holds_calls_to_ceilings_while_it_runs(database: Database) -> None:
    gateway = FakeGateway(database=database)
    async with Limiter(Config(limits=[])).lifespan(gateway):
        assert gateway.ceilings.held
    assert not gateway.ceilings.held


async def test_a_stream_ends_when_its_budget_is_spent(database: Database) -> None:
    """By what others hold: its own part it may use up."""
    prices = {"sim": (10, 1000), "other": (0, 0)}
    async with limiting(database, budget(), prices=prices, cap=10) as limiter:
        asked = call(stream=True, max_tokens=60, stream_options={"include_usage": True})
        done = await exercise(limiter, call=asked, answer=streamed(*("w " for _ in range(60)), usage=USED), plan=PLAN)
        written = done.body["choices"][0]["message"]["content"].count("w")
        assert done.body["choices"][0]["finish_reason"] == "length"
        assert 10 < written <= 30


async def test_of_a_budget_what_was_used_counts_and_nothing_stays_held(database: Database) -> None:
    async with limiting(database, budget(nano_usd=10**6), prices={"sim": (10, 100), "other": (0, 0)}) as limiter:
        first = call("first", max_tokens=50)
        assert await limiter.pre_request(first) is None
        [standing] = await limiter._desk.standing("acme")
        assert (standing.used, standing.reserved > 50 * 100) == (0, True)
        assert standing.remaining == 10**6 - standing.reserved
        await limiter._desk.keeper.read()
        await exercise(limiter, call=call("second"), answer=Reply.json(completion("Hi", usage=USED)), plan=PLAN)
        [after] = await limiter._desk.standing("acme")
        assert after.reserved == standing.reserved
        assert after.used > 10_000, "nobody knows what it cost: what was reserved for it, 100 tokens and the prompt"
        assert (await limiter.health())["budgets"] == {"held": 1, "unread": 0}


async def test_a_dry_run_takes_nothing_of_a_budget(database: Database) -> None:
    async with limiting(database, budget(nano_usd=10**6), prices={"sim": (10, 100), "other": (0, 0)}) as limiter:
        await limiter.pre_request(replace(call(), dry_run=True))
        [standing] = await limiter._desk.standing("acme")
        assert (standing.used, standing.reserved) == (0, 0)
