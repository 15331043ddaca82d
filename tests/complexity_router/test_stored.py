"""What was learned, in SQLite and in PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.complexity_router as plugin
from cognitude_plugins.complexity_router import stored
from cognitude_plugins.complexity_router.gain import NO_CELL, NO_RATING
from cognitude_plugins.complexity_router.stored import Label, Pair, Place, RatingPlace
from tests.borrowed import Tables

MATH = Place(organization="acme", candidate="small", reference="large", task="math")
LIKED = RatingPlace(organization="acme", model="small", task="math")
PAIR = Pair("acme", "small", "large")


@pytest.fixture
def tables(each_database: Any, tmp_path: Path) -> Tables:
    made = Tables(each_database, tmp_path, plugin)
    made.up()
    return made


def do(tables: Tables, work: Any, *arguments: Any, **options: Any) -> Any:
    return tables._storage.write_now(lambda connection: work(connection, *arguments, **options))


def label(number: int, loss: float = 0.0, place: Place = MATH, features: bytes | None = None) -> Label:
    return Label(id=f"call-{number}", place=place, loss=loss, features=features)


def test_labels_are_counted_as_they_are_in_memory(tables: Tables) -> None:
    losses = [1.0, 0.0, 0.0, -1.0, 0.5]
    cell = NO_CELL
    for number, loss in enumerate(losses):
        do(tables, stored.add, [label(number, loss)], 5)
        cell = cell.with_label(loss)
    [(place, found)] = do(tables, stored.changes, 0).cells.items()
    assert place == MATH
    assert found.labels == 5
    assert (found.losses, found.wins, found.ties) == pytest.approx((cell.losses, cell.wins, cell.ties))


def test_each_organization_pair_and_task_has_its_own(tables: Tables) -> None:
    places = [
        MATH,
        Place(organization="globex", candidate="small", reference="large", task="math"),
        Place(organization="acme", candidate="small", reference="large", task="chat"),
        Place(organization="acme", candidate="middle", reference="large", task="math"),
    ]
    do(tables, stored.add, [label(number, 1.0, place) for number, place in enumerate(places)], 5)
    assert {place: cell.labels for place, cell in do(tables, stored.changes, 0).cells.items()} == dict.fromkeys(
        places, 1
    )


def test_workers_do_not_overwrite_each_others_labels(tables: Tables) -> None:
    def add(number: int) -> None:
        do(tables, stored.add, [label(number * 100 + one) for one in range(5)], number)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(8)))
    assert do(tables, stored.changes, 0).cells[MATH].labels == 40


def test_an_answer_is_rated_once(tables: Tables) -> None:
    assert do(tables, stored.rate, "req_1", LIKED, 1.0, 5)
    assert not do(tables, stored.rate, "req_1", LIKED, 0.0, 6)
    assert do(tables, stored.rate, "req_2", LIKED, 0.0, 7)
    rating = NO_RATING.with_score(1.0).with_score(0.0)
    found = do(tables, stored.changes, 0).ratings[LIKED]
    assert (found.count, found.total, found.labels) == pytest.approx((rating.count, rating.total, 2))
    other = RatingPlace(organization="globex", model="small", task="math")
    assert do(tables, stored.rate, "req_1", other, 1.0, 8), "the id of another organization's call is another id"


def test_only_what_is_newer_is_read_and_the_last_seconds_again(tables: Tables) -> None:
    do(tables, stored.add, [label(1)], 100_000)
    first = do(tables, stored.changes, 0)
    assert first.seen_ms == 100_000
    assert do(tables, stored.changes, 109_000).cells
    assert not do(tables, stored.changes, 110_001).cells
    assert do(tables, stored.changes, 110_001).seen_ms == 110_001


def test_a_label_that_comes_twice_counts_once(tables: Tables) -> None:
    do(tables, stored.add, [label(1), label(2)], 5)
    do(tables, stored.add, [label(2), label(3)], 6)
    assert do(tables, stored.changes, 0).cells[MATH].labels == 3


def test_only_what_has_features_is_there_to_learn_from(tables: Tables) -> None:
    do(tables, stored.add, [label(1), label(2, 1.0, features=b"\x01"), label(3, -1.0, features=b"\x02")], 5)
    do(tables, stored.add, [label(4, 0.5, features=b"\x03")], 6)
    assert do(tables, stored.pairs) == [(PAIR, 3)]
    assert do(tables, stored.examples, PAIR, 2) == [(0.5, b"\x03"), (1.0, b"\x01")]
    assert do(tables, stored.examples, Pair("globex", "small", "large"), 9) == []
    assert do(tables, stored.forget, 6) == 3
    assert do(tables, stored.pairs) == [(PAIR, 1)]


def test_weights_replace_those_before(tables: Tables) -> None:
    assert do(tables, stored.trained, PAIR) == (0, 0)
    do(tables, stored.learned, PAIR, 300, b"one", 5)
    do(tables, stored.learned, PAIR, 400, b"two", 7)
    assert do(tables, stored.trained, PAIR) == (400, 7)
    assert do(tables, stored.changes, 0).weights == {PAIR: (7, b"two")}
