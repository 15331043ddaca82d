"""Sums of experiments in a real database, SQLite and PostgreSQL, as the same computed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

import cognitude_plugins.balancer as plugin
from cognitude_plugins.balancer.exposure import Exposed, Sums
from cognitude_plugins.balancer.results import ArmSums
from cognitude_plugins.balancer.stored import add, arm_sums, forget
from hooks import Database
from tests.borrowed import Tables

Rows = list[tuple[Exposed, Sums]]


@pytest.fixture
def database(each_database: Any, tmp_path: Path) -> Database:
    return Tables(each_database, tmp_path, plugin).lent()


def exposed(unit: str, arm: str = "a", organization: str = "acme") -> Exposed:
    return Exposed(organization, "x", arm, unit)


async def keep(database: Database, rows: Rows, now_ms: int = 1) -> None:
    await database.write("acme", lambda connection: add(connection, sorted(rows, key=lambda row: row[0]), now_ms))


async def read(database: Database, organization: str = "acme") -> Mapping[tuple[str, str], ArmSums]:
    return await database.read(organization, lambda connection: arm_sums(connection, organization))


async def test_each_user_is_one_observation(database: Database) -> None:
    rates = [(1, 4), (0, 10), (3, 3)]
    rows = [
        (
            exposed(f"u{number}"),
            Sums(
                calls=calls, errors=errors, priced=2, cost_nano_usd=3_000_000_000 * number, timed=4, microseconds=10**6
            ),
        )
        for number, (errors, calls) in enumerate(rates)
    ]
    await keep(database, rows)
    found = (await read(database))["x", "a"]
    assert (found.users, found.calls, found.errors) == (3, 17, 4)
    shares = [errors / calls for errors, calls in rates]
    rate = found.moments["error_rate"]
    assert (rate.n, rate.mean) == (3, pytest.approx(fmean(shares)))
    assert rate.squares == pytest.approx(sum((one - fmean(shares)) ** 2 for one in shares))
    cost, latency = found.moments["cost_usd"], found.moments["latency_seconds"]
    assert (cost.mean, cost.squares) == (pytest.approx(1.5), pytest.approx(4.5))
    assert (latency.n, latency.mean, latency.squares) == (3, pytest.approx(0.25), pytest.approx(0))
    assert found.moments["score"].n == 0


async def test_what_is_known_of_some_users_only_is_over_these(database: Database) -> None:
    rows = [(exposed("u1"), Sums(calls=1)), (exposed("u2"), Sums(scored=2, score=1.0))]
    await keep(database, rows)
    moments = (await read(database))["x", "a"].moments
    assert [moments[name].n for name in ("error_rate", "cost_usd", "latency_seconds", "score")] == [1, 0, 0, 1]
    assert moments["score"].mean == 0.5


async def test_it_is_added_to_what_is_there_whatever_process_it_comes_from(database: Database) -> None:
    for _ in range(3):
        await keep(database, [(exposed("u1"), Sums(calls=2, errors=1)), (exposed("u2", "b"), Sums(calls=1))])
    found = await read(database)
    assert (found["x", "a"].users, found["x", "a"].calls, found["x", "a"].errors) == (1, 6, 3)
    assert found["x", "b"].calls == 3


async def test_no_organization_sees_anothers(database: Database) -> None:
    await keep(database, [(exposed("u1", organization="globex"), Sums(calls=5)), (exposed("u1"), Sums(calls=2))])
    assert (await read(database, "acme"))["x", "a"].calls == 2
    assert (await read(database, "globex"))["x", "a"].calls == 5
    assert await read(database, "initech") == {}


async def test_who_has_not_called_for_long_is_forgotten(database: Database) -> None:
    await keep(database, [(exposed("u1"), Sums(calls=1)), (exposed("u2"), Sums(calls=1))], now_ms=1000)
    await keep(database, [(exposed("u2"), Sums(calls=1))], now_ms=2000)
    assert await database.write("*", lambda connection: forget(connection, 1500)) == 1
    assert (await read(database))["x", "a"].calls == 2
