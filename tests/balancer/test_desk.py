"""From route to answer: what is counted and when, shadow mode, a database that is away, what ``/health`` says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.balancer as plugin
from cognitude_plugins.balancer.desk import Desk, Trip
from cognitude_plugins.balancer.settings import Config
from hooks import Call, Database, Outcome, Plan, Reply, Unavailable
from hooks.testing import FakeGateway, completion
from tests.borrowed import Tables, sqlite_tables

from .fleets import NOON, deployment, ids, models, seeded, user

TWO = (deployment("m"), deployment("m#2"), deployment("n"))
ARMS = [{"name": "a", "deployment": "m"}, {"name": "b", "deployment": "m#2"}]
TRIAL: Mapping[str, Any] = {"rules": [{"strategy": "experiment", "experiment": {"name": "x", "arms": ARMS}}]}
MIRROR: Mapping[str, Any] = {"rules": [], "mirrors": [{"name": "try", "models": ["m"], "to": "n", "share": 1}]}


@dataclass
class Flaky:
    """A database that can be away."""

    database: Database
    away: bool = False
    writes: int = field(default=0)

    async def read(self, organization: str, work: Callable[[Any], Any]) -> Any:
        return await self.database.read(organization, work)

    async def write(self, organization: str, work: Callable[[Any], Any]) -> Any:
        self.writes += 1
        if self.away:
            raise Unavailable("the database does not answer")
        return await self.database.write(organization, work)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Flaky]:
    tables: Tables = sqlite_tables(tmp_path, plugin)
    yield Flaky(tables.lent())
    tables.close()


@asynccontextmanager
async def opened(database: Any, config: Mapping[str, Any], **gateway: Any) -> AsyncIterator[Desk]:
    desk = Desk(Config.model_validate(config), "balancer", random=seeded(), now=lambda: NOON, clock=lambda: 0.0)
    async with desk.opened(FakeGateway(models=models(*TWO), database=database, **gateway)):
        yield desk


def routed(desk: Desk, call: Call) -> Plan:
    given = Plan(deployments=TWO[:2])
    return desk.route(call, given) or given


def end(desk: Desk, call: Call, plan: Plan, **ended: Any) -> None:
    trip = call.state.get("balancer")
    if isinstance(trip, Trip):
        values: dict[str, Any] = {"status": 200, "source": "provider", "complete": True, **ended}
        desk.answered(trip, Outcome(reasons=plan.reasons, **values))


async def calls(desk: Desk) -> int:
    return sum(one.calls for one in (await desk.sums("acme")).values())


async def test_a_call_is_counted_when_it_has_ended(database: Flaky) -> None:
    async with opened(database, TRIAL) as desk:
        call = user("ada")
        plan = routed(desk, call)
        assert await calls(desk) == 0
        end(desk, call, plan)
        assert await calls(desk) == 1


async def test_what_shadow_mode_did_not_apply_is_not_counted_nor_copied(database: Flaky) -> None:
    """There the plan's reasons are without this plugin's."""
    sent: list[Call] = []

    async def answer(call: Call, tags: Mapping[str, str]) -> Reply:
        sent.append(call)
        return Reply.json(completion())

    async with opened(database, {**TRIAL, "mirrors": MIRROR["mirrors"]}, answer=answer) as desk:
        call = user("ada")
        routed(desk, call)
        end(desk, call, Plan(deployments=TWO))
        assert await calls(desk) == 0
    assert sent == []


async def test_a_dry_run_is_not_counted(database: Flaky) -> None:
    async with opened(database, TRIAL) as desk:
        call = user("ada", dry_run=True)
        plan = routed(desk, call)
        assert plan.reasons[0].startswith("balancer: experiment x=")
        assert call.state == {}


async def test_what_waits_for_the_database_is_written_when_it_is_back(database: Flaky) -> None:
    async with opened(database, TRIAL) as desk:
        database.away = True
        for _ in range(3):
            call = user("ada")
            end(desk, call, routed(desk, call))
            await desk.flush()
        database.away = False
        assert await calls(desk) == 3


async def test_what_is_left_at_the_end_is_written(database: Flaky) -> None:
    async with opened(database, TRIAL) as desk:
        call = user("ada")
        end(desk, call, routed(desk, call))
    async with opened(database, TRIAL) as desk:
        assert await calls(desk) == 1


async def test_nothing_is_written_when_nothing_was_counted(database: Flaky) -> None:
    async with opened(database, TRIAL) as desk:
        await desk.flush()
    assert database.writes == 0


async def test_who_has_not_called_for_long_is_swept(database: Flaky) -> None:
    async with opened(database, TRIAL) as desk:
        call = user("ada")
        end(desk, call, routed(desk, call))
        await desk.flush()
        await desk.sweep()
        assert await calls(desk) == 1


async def test_a_mirror_is_told_in_the_reasons_and_sent_after_an_answer_of_the_provider_only(database: Flaky) -> None:
    sent: list[str] = []

    async def answer(call: Call, tags: Mapping[str, str]) -> Reply:
        sent.append(call.model)
        return Reply.json(completion())

    async with opened(database, MIRROR, answer=answer) as desk:
        for source in ("provider", "error"):
            call = user("ada")
            plan = routed(desk, call)
            assert (ids(plan), plan.reasons) == (["m", "m#2"], ("balancer: mirror try",))
            end(desk, call, plan, source=source)
        assert desk.status()["mirrors"]["try"]["copied"] == 1
    assert sent == ["n"]


async def test_a_copy_is_no_part_of_an_experiment(database: Flaky) -> None:
    async with opened(database, TRIAL) as desk:
        call = user("ada", headers={"x-cognitude-mirror": "try"})
        plan = routed(desk, call)
        end(desk, call, plan)
        assert len(plan.reasons) == 1
        assert await calls(desk) == 0


async def test_health_names_the_configuration_and_numbers_only(database: Flaky) -> None:
    config = {
        "rules": [
            {"when": "caller.user > 3", "strategy": "weighted"},
            {"strategy": "canary", "canary": {"deployment": "m#2", "steps": [{"share": 0.5}]}},
        ],
        "mirrors": MIRROR["mirrors"],
    }
    async with opened(database, config) as desk:
        routed(desk, user("ada"))
        found = desk.status()
    assert found.pop("canaries")["m#2"]["share"] == 0.5
    assert found == {
        "status": "ok",
        "mirrors": {"try": {"copied": 0, "left_out": 0, "failed": 0}},
        "failed_conditions": 1,
    }


def test_before_it_is_opened_it_leaves_everything_alone() -> None:
    desk = Desk(Config(), "balancer", random=seeded(), now=lambda: NOON, clock=lambda: 0.0)
    assert desk.route(user("ada"), Plan(deployments=TWO)) is None
    assert (desk.trials, desk.status()) == ((), {"status": "ok"})
