"""The router at work: what is opened, kept and learned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import cognitude_plugins.complexity_router as package
from cognitude_plugins.complexity_router.desk import Desk
from cognitude_plugins.complexity_router.examples import dumps
from cognitude_plugins.complexity_router.settings import Config
from cognitude_plugins.complexity_router.stored import Label, Pair, Place
from tests.borrowed import Tables, sqlite_tables

from .places import gateway
from .test_learned import examples

PLACE = Place(organization="acme", candidate="small", reference="large", task="math")


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, package)
    yield found
    found.close()


def test_before_it_is_started_there_is_nothing_to_lend() -> None:
    with pytest.raises(RuntimeError, match="has not been started"):
        _ = Desk(Config(), "router").gateway


async def test_prompts_are_learned_from_when_there_are_enough_and_again_when_there_are_more(tables: Tables) -> None:
    desk = Desk(Config(learn_from_prompts=True), "router")
    pair = Pair("acme", "small", "large")
    async with desk.opened(gateway(database=tables.lent())):
        labels = [
            Label(id=f"{number}", place=PLACE, loss=loss, features=dumps(features))
            for number, (loss, features) in enumerate(examples(420))
        ]
        for label in labels[:200]:
            desk.learned.put(label)
        await desk.refresh()
        await desk.study()
        assert desk.learned.studies == {}, "too few"
        for label in labels[200:320]:
            desk.learned.put(label)
        await desk.refresh()
        await desk.study()
        await desk.refresh()
        first = desk.learned.studies[pair]
        assert first.weights.rows == 320
        for label in labels[320:340]:
            desk.learned.put(label)
        await desk.refresh()
        await desk.study()
        await desk.refresh()
        assert desk.learned.studies[pair].weights.rows == 320, "a few more are not worth it"
        for label in labels[340:]:
            desk.learned.put(label)
        await desk.refresh()
        await desk.study()
        await desk.refresh()
        assert desk.learned.studies[pair].weights.rows == 420


async def test_what_is_old_is_forgotten(tables: Tables) -> None:
    desk = Desk(Config(), "router")
    async with desk.opened(gateway(database=tables.lent())):
        desk.learned.put(Label(id="1", place=PLACE, loss=0.0, features=b"x"))
        await desk.refresh()
        tables.execute("UPDATE router_example SET created_ms = 5")
        await desk.forget()
        assert tables.execute("SELECT count(*) FROM router_example") == [(0,)]


async def test_health_says_what_is_lost(tables: Tables) -> None:
    desk = Desk(Config(), "router")
    assert desk.health() == {"status": "ok", "known": 0, "dropped": 0, "left_out": 0, "failed": 0}
    desk.learned.up = False
    assert desk.health()["status"] == "degraded"
