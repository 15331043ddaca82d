"""What a worker knows: its own at once, the others' a moment later."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.complexity_router as package
from cognitude_plugins.complexity_router import stored
from cognitude_plugins.complexity_router.candidates import Candidate
from cognitude_plugins.complexity_router.features import Features, describe
from cognitude_plugins.complexity_router.gain import Loss
from cognitude_plugins.complexity_router.learned import Learned
from cognitude_plugins.complexity_router.stored import Label, Pair, Place, RatingPlace
from cognitude_plugins.complexity_router.study import study
from hooks import Database, Unavailable
from tests.borrowed import Tables, sqlite_tables

from .labelled import topics

SMALL = Candidate(model="small", quality=0.8)
LARGE = Candidate(model="large", quality=0.9)
MATH = Place(organization="acme", candidate="small", reference="large", task="math")
PAIR = Pair("acme", "small", "large")


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, package)
    yield found
    found.close()


def put(learned: Learned, losses: list[float], place: Place = MATH) -> None:
    for loss in losses:
        learned.put(Label(id=f"{id(learned)}-{place.task}-{random.random()}", place=place, loss=loss))


def believed(learned: Learned, organization: str = "acme", task: str = "math") -> Loss:
    return learned.loss(organization, SMALL, LARGE, task)


async def test_ones_own_labels_count_at_once_and_the_others_after_a_refresh(tables: Tables) -> None:
    database = tables.lent()
    one, other = Learned(), Learned()
    put(one, [1.0] * 10)
    assert (believed(one).labels, believed(other).labels) == (10, 0)
    await one.refresh(database)
    await other.refresh(database)
    assert believed(one) == believed(other)
    assert believed(other).mean > 0.6
    put(other, [0.0] * 5)
    await other.refresh(database)
    await one.refresh(database)
    assert believed(one) == believed(other)
    assert believed(one).labels == 15


async def test_of_other_organizations_and_tasks_nothing_is_learned(tables: Tables) -> None:
    learned = Learned()
    put(learned, [1.0] * 10)
    await learned.refresh(tables.lent())
    assert believed(learned, "globex").labels == believed(learned, task="chat").labels == 0


async def test_a_model_of_which_nothing_is_known_is_taken_to_lose_what_is_usual() -> None:
    learned, unknown = Learned(), Candidate(model="own", quality=None)
    assert learned.loss("acme", unknown, LARGE, "math", 0.17).mean == pytest.approx(0.17)
    assert learned.loss("acme", unknown, Candidate(model="other", quality=None), "math", 0.17).mean == pytest.approx(
        0.17
    )
    assert learned.loss("acme", SMALL, LARGE, "math", 0.5).mean == pytest.approx(0.1)


async def test_ratings_count(tables: Tables) -> None:
    database, learned = tables.lent(), Learned()
    before = believed(learned).mean
    for number in range(9):
        place = RatingPlace(organization="acme", model="small", task="math")
        await database.write("acme", lambda one, n=number, p=place: stored.rate(one, f"req_{n}", p, 0.0, 5))  # type: ignore[misc]
    await learned.refresh(database)
    assert believed(learned).mean > before + 0.2


class Away:
    async def read(self, organization: str, work: Any) -> Any:
        raise Unavailable("the database does not answer")

    write = read


async def test_without_a_database_labels_wait(tables: Tables, caplog: pytest.LogCaptureFixture) -> None:
    learned, away = Learned(), Away()
    put(learned, [1.0] * 3)
    with caplog.at_level(logging.WARNING):
        await learned.refresh(away)
        await learned.refresh(away)
    assert [record.message for record in caplog.records] == [
        "the router learns nothing for now: the database does not answer"
    ]
    assert not learned.up
    assert believed(learned).labels == 3
    other, database = Learned(), tables.lent()
    await learned.refresh(database)
    await other.refresh(database)
    assert learned.up
    assert believed(other).labels == 3


async def test_too_many_labels_are_dropped_and_counted() -> None:
    learned = Learned()
    put(learned, [0.0] * 10_003)
    assert learned.dropped == 3


async def test_what_was_sent_twice_counts_once(tables: Tables) -> None:
    learned, database = Learned(), tables.lent()
    label = Label(id="same", place=MATH, loss=1.0)
    learned.put(label)
    await learned.refresh(database)
    learned.put(label)
    await learned.refresh(database)
    assert (believed(learned).labels, learned.dropped) == (1, 0)


async def test_a_label_that_the_database_refuses_does_not_stop_the_others(tables: Tables) -> None:
    learned, database = Learned(), tables.lent()
    tables.execute("CREATE TRIGGER no BEFORE INSERT ON router_gain BEGIN SELECT RAISE(ABORT, 'no'); END")
    put(learned, [1.0])
    await learned.refresh(database)
    assert learned.dropped == 1
    tables.execute("DROP TRIGGER no")
    put(learned, [0.0])
    await learned.refresh(database)
    other = Learned()
    await other.refresh(database)
    assert believed(other).labels == 1


async def test_refreshes_at_the_same_time_write_each_label_once(tables: Tables) -> None:
    learned, database = Learned(), tables.lent()
    put(learned, [1.0] * 30)
    await asyncio.gather(*(learned.refresh(database) for _ in range(4)))
    other = Learned()
    await other.refresh(database)
    assert believed(other) == believed(learned)
    assert believed(other).labels == 30


async def test_a_refresh_that_is_cut_off_loses_no_label(tables: Tables) -> None:
    learned, database = Learned(), tables.lent()
    put(learned, [1.0] * 30)
    cut = asyncio.create_task(learned.refresh(database))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    await learned.refresh(database)
    other = Learned()
    await other.refresh(database)
    assert believed(other).labels == believed(learned).labels == 30


def examples(count: int, seed: int = 1) -> list[tuple[float, Features]]:
    """Losses with their prompts."""
    return [(one.gain, one.features) for one in topics(count, seed)]


async def test_what_was_learned_of_prompts_is_asked_until_the_model_has_become_worse(tables: Tables) -> None:
    database, learned = tables.lent(), Learned(from_prompts=True)
    packed = study(examples(400)).dumps()
    await database.write("acme", lambda one: stored.learned(one, PAIR, 400, packed, 5))
    prompts = dict(examples(40, seed=3))
    assert learned.allowed("acme", "small", "large", prompts[0.0], 0.95) is None
    await learned.refresh(database)
    assert learned.allowed("acme", "small", "large", prompts[0.0], 0.95) is True
    assert learned.allowed("acme", "small", "large", prompts[1.0], 0.95) is False
    assert learned.allowed("acme", "small", "large", describe("Übersetze das bitte: 你好"), 0.95) is None
    assert learned.allowed("globex", "small", "large", prompts[0.0], 0.95) is None
    put(learned, [1.0] * 100)
    await learned.refresh(database)
    assert learned.allowed("acme", "small", "large", prompts[0.0], 0.95) is None


async def test_what_was_learned_of_prompts_is_left_alone_where_it_is_not_wanted(tables: Tables) -> None:
    database, learned = tables.lent(), Learned()
    packed = study(examples(320)).dumps()
    await database.write("acme", lambda one: stored.learned(one, PAIR, 320, packed, 5))
    await learned.refresh(database)
    assert learned.studies == {}


async def test_what_another_version_learned_is_left_alone(tables: Tables, caplog: pytest.LogCaptureFixture) -> None:
    database: Database = tables.lent()
    learned = Learned(from_prompts=True)
    await database.write("acme", lambda one: stored.learned(one, PAIR, 400, b"[]\nother", 5))
    await learned.refresh(database)
    assert learned.studies == {}
    assert "what was learned of small is of no use" in caplog.text
