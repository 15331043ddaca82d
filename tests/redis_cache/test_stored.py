"""Kept answers in SQLite and in PostgreSQL."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.redis_cache as plugin
from cognitude_plugins.redis_cache import stored
from cognitude_plugins.redis_cache.known import Mark
from cognitude_plugins.redis_cache.stored import Wanted
from tests.borrowed import Tables

from .servers import KEYS, row


@pytest.fixture
def tables(each_database: Any, tmp_path: Path) -> Tables:
    made = Tables(each_database, tmp_path, plugin)
    made.up()
    return made


def do(tables: Tables, work: Any, *arguments: Any, **options: Any) -> Any:
    return tables._storage.write_now(lambda connection: work(connection, *arguments, **options))


def keys(tables: Tables, organization: str = "acme") -> list[str]:
    return sorted(key for key, _ in do(tables, stored.find, Wanted(organization=organization)))


def test_the_secret_is_made_once(tables: Tables) -> None:
    first = do(tables, stored.installation_secret)
    assert len(first) == 32
    assert do(tables, stored.installation_secret) == first


def test_an_answer_is_found_under_its_key_in_its_organization(tables: Tables) -> None:
    do(tables, stored.keep, [row(KEYS[0], packed=b"\x00\xff"), row(KEYS[1]), row(KEYS[0], "beta", packed=b"beta")])
    assert do(tables, stored.packed, "acme", KEYS[0]) == b"\x00\xff"
    assert do(tables, stored.packed, "beta", KEYS[0]) == b"beta"
    assert do(tables, stored.packed, "beta", KEYS[1]) is None
    do(tables, stored.keep, [row(KEYS[0], packed=b"newer")])
    assert do(tables, stored.packed, "acme", KEYS[0]) == b"newer"
    assert do(tables, stored.count, "acme") == (2, 11)
    assert do(tables, stored.count, "nobody") == (0, 0)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [0, 1, 2]),
        ({"model": "b"}, [1, 2]),
        ({"key": KEYS[1]}, [1]),
        ({"before_ms": 20}, [0, 1]),
        ({"before_ms": 20, "model": "b"}, [1]),
        ({"key": KEYS[0], "model": "b"}, []),
    ],
)
def test_those_that_fit_everything_are_found_and_removed(
    tables: Tables, wanted: dict[str, Any], expected: list[int]
) -> None:
    rows = [row(KEYS[number], model=model, created_ms=10 * number) for number, model in enumerate("abb")]
    do(tables, stored.keep, [*rows, row(KEYS[0], "beta")])
    one = Wanted(organization="acme", **wanted)
    assert sorted(key for key, _ in do(tables, stored.find, one)) == [KEYS[number] for number in expected]
    assert [one.fits(each.key, each.model, each.created_ms) for each in rows] == [n in expected for n in range(3)]
    assert do(tables, stored.remove, one) == len(expected)
    assert keys(tables) == [KEYS[number] for number in range(3) if number not in expected]
    assert keys(tables, "beta") == [KEYS[0]]


def test_the_oldest_go_first_when_there_are_too_many_bytes(tables: Tables) -> None:
    do(tables, stored.keep, [row(KEYS[number], created_ms=number, packed=b"x" * 10) for number in (3, 1, 2, 0)])
    assert do(tables, stored.forget, now_ms=0, before_ms=None, most_bytes=40) == 0
    assert do(tables, stored.forget, now_ms=0, before_ms=None, most_bytes=25) == 2
    assert keys(tables) == [KEYS[2], KEYS[3]]
    assert do(tables, stored.forget, now_ms=0, before_ms=3, most_bytes=None) == 1
    assert do(tables, stored.forget, now_ms=0, before_ms=4, most_bytes=0) == 1
    assert keys(tables) == []


def test_more_than_is_deleted_at_once_is_deleted_too(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_AT_ONCE", 2)
    do(tables, stored.keep, [row(KEYS[number], created_ms=number, packed=b"x" * 10) for number in range(9)])
    assert do(tables, stored.forget, now_ms=0, before_ms=None, most_bytes=10) == 8
    assert keys(tables) == [KEYS[8]]


def test_what_has_expired_goes_whatever_else_is_said(tables: Tables) -> None:
    do(tables, stored.keep, [row(KEYS[0], expires_ms=10), row(KEYS[1], expires_ms=20), row(KEYS[2])])
    assert do(tables, stored.forget, now_ms=20, before_ms=None, most_bytes=None) == 1
    assert keys(tables) == [KEYS[1], KEYS[2]]


def test_several_may_keep_the_same_at_the_same_time(tables: Tables) -> None:
    """Without Redis two workers may have asked the same; neither fails."""
    every = [row(key) for key in KEYS]

    def work(number: int) -> None:
        for _ in range(20):
            do(tables, stored.keep, random.Random(number).sample(every, len(every)))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert keys(tables) == sorted(KEYS)


def test_all_are_paged_through_in_the_order_in_which_they_were_made(tables: Tables) -> None:
    made = [row(KEYS[number], organization, created_ms=number // 3) for number in range(7) for organization in "ba"]
    do(tables, stored.keep, made)
    assert do(tables, stored.total) == 14
    seen: list[Mark] = []
    while page := do(tables, stored.page, seen[-1] if seen else Mark(-1, "", ""), 4):
        seen += page
    assert seen == sorted(Mark(one.created_ms, one.organization, one.key) for one in made)
