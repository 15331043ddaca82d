"""Limits that were set for organizations: kept in the database, known to every process, never half-written."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.limiter as plugin
from cognitude_plugins.limiter import overrides as module
from cognitude_plugins.limiter.overrides import Changes, Override, Overrides, TooManyKeys
from cognitude_plugins.limiter.settings import DEFAULT_LIMITS, Limit
from hooks import Database, Unavailable
from tests.borrowed import Tables
from tests.limiter.overridden import limit, loaded

MINUTE, HOUR, DAY = limit(100), limit(3000, "hour"), limit(50_000, "day")


@pytest.fixture
def tables(each_database: Any, tmp_path: Path) -> Tables:
    return Tables(each_database, tmp_path, plugin)


@pytest.fixture
def database(tables: Tables) -> Database:
    return tables.lent()


async def put(overrides: Overrides, organization: str, *limits: Limit, key: str = "", layer: Any = "operator") -> Any:
    return await overrides.put(organization, key, layer, limits, configured=DEFAULT_LIMITS)


def told(overrides: Overrides, organization: str) -> set[tuple[str, str, tuple[Limit, ...]]]:
    return {(one.key, one.layer, one.limits) for one in overrides.of(organization)}


async def test_what_one_process_sets_another_knows_after_its_next_look(database: Database) -> None:
    here, there = await loaded(database), await loaded(database)
    assert there.of("acme") == ()
    after = await put(here, "acme", limit(500))
    assert await there.refresh() == Changes(organizations=frozenset({"acme"}))
    assert told(there, "acme") == {("", "operator", (limit(500),))}
    assert there.of("acme") == after
    assert there.of("globex") == ()
    assert await here.refresh() == Changes(organizations=frozenset({"acme"}))
    assert await there.refresh() == await here.refresh() == Changes()


async def test_both_layers_and_every_key_are_kept_apart(database: Database) -> None:
    here = await loaded(database)
    key = limit(5, scope="key")
    await put(here, "acme", limit(500))
    await put(here, "acme", limit(10), layer="organization")
    await put(here, "acme", key, key="k1")
    after = await put(here, "acme", limit(7, "hour", scope="key"), key="k1", layer="organization")
    await put(here, "globex", limit(1))
    await here.refresh()
    assert set(after) == set(here.of("acme"))
    assert told(here, "acme") == {
        ("", "operator", (limit(500),)),
        ("", "organization", (limit(10),)),
        ("k1", "operator", (key,)),
        ("k1", "organization", (limit(7, "hour", scope="key"),)),
    }
    assert told(here, "globex") == {("", "operator", (limit(1),))}


async def test_what_is_set_again_takes_the_place_of_what_was_set(database: Database) -> None:
    here = await loaded(database)
    await put(here, "acme", limit(500), limit(9000, "hour"))
    await put(here, "acme", limit(600))
    await here.refresh()
    assert told(here, "acme") == {("", "operator", (limit(600),))}


async def test_every_field_of_a_limit_comes_back_exactly(database: Database) -> None:
    given = (
        limit("0.123456789", "day", "cost_usd", window="calendar", models=["gpt-*", "ünïcode \\ \" '"]),
        limit(10, "second", window="bucket", burst=3, scope="model"),
        limit(5, None, "concurrency", scope="user"),
        limit(10**12, "month", "tokens", window="calendar"),
    )
    await put(await loaded(database), "acme", *given)
    [one] = (await loaded(database)).of("acme")
    assert one.limits == given


async def test_what_is_deleted_is_gone_and_only_that(database: Database) -> None:
    here, there = await loaded(database), await loaded(database)
    await put(here, "acme", limit(500))
    await put(here, "acme", limit(10), layer="organization")
    await there.refresh()
    left = await here.delete("acme", "", "operator")
    assert left is not None
    assert [one.layer for one in left] == ["organization"]
    assert await there.refresh() == Changes(organizations=frozenset({"acme"}))
    assert told(there, "acme") == {("", "organization", (limit(10),))}
    assert await here.delete("acme", "", "operator") is None
    assert await here.delete("acme", "k", "organization") is None
    assert await here.delete("globex", "", "organization") is None
    assert await here.delete("acme", "", "organization") == ()
    await there.refresh()
    assert there.of("acme") == ()


async def test_no_limits_are_the_same_as_none_set(database: Database) -> None:
    here = await loaded(database)
    await put(here, "acme", limit(500))
    assert await put(here, "acme") == ()
    assert await here.delete("acme", "", "operator") is None


@pytest.mark.parametrize(
    ("limits", "key", "layer", "rule"),
    [
        ([limit(50, "hour")], "", "operator", "per_hour 50 is lower than per_minute 100"),
        ([limit(4000)], "", "operator", "per_hour 3000 is lower than per_minute 4000"),
        ([limit(5), limit(6)], "", "organization", "two limits of requests per_minute of each organization"),
        ([limit(6), limit(5, "day")], "", "organization", "per_day 5 is lower than per_minute 6"),
        ([limit(21, scope="key")], "k1", "operator", "per_hour 20 is lower than per_minute 21"),
        ([limit(19, "hour", scope="key")], "", "operator", "for the key k1: per_hour 19 is lower than per_minute 20"),
    ],
)
async def test_what_contradicts_itself_or_what_it_stands_on_changes_nothing(
    database: Database, limits: list[Limit], key: str, layer: Any, rule: str
) -> None:
    here = await loaded(database)
    if "k1" in (key, rule.split(":")[0][-2:]):
        await put(here, "acme", limit(20, "hour", scope="key"))
        await put(here, "acme", limit(20, scope="key"), key="k1")
    await here.refresh()
    before = here.of("acme")
    with pytest.raises(ValueError, match=rule):
        await put(here, "acme", *limits, key=key, layer=layer)
    assert await here.refresh() == Changes()
    assert (await loaded(database)).of("acme") == before


async def test_an_organization_may_limit_itself_whatever_the_operator_has_set(database: Database) -> None:
    here = await loaded(database)
    await put(here, "acme", limit(40_000, "hour"))
    after = await put(here, "acme", limit(10**9), layer="organization")
    assert len(after) == 2


async def test_there_are_only_so_many_keys_with_limits_of_their_own(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_KEYS", 2)
    here = await loaded(database)
    for key in ("k1", "k2"):
        await put(here, "acme", limit(5, scope="key"), key=key, layer="organization")
    with pytest.raises(TooManyKeys, match="for 2 keys already"):
        await put(here, "acme", limit(5, scope="key"), key="k3", layer="organization")
    await put(here, "acme", limit(6, scope="key"), key="k2", layer="organization")
    await put(here, "acme", limit(6, scope="key"), key="k3", layer="operator")
    await put(here, "acme", limit(6), layer="organization")
    await put(here, "globex", limit(5, scope="key"), key="k3", layer="organization")


async def test_those_who_set_at_once_come_one_after_the_other(database: Database) -> None:
    here, there = await loaded(database), await loaded(database)
    writers = [put((here, there)[number % 2], "acme", limit(number + 1)) for number in range(8)]
    await asyncio.gather(*writers, put(here, "globex", limit(3)))
    await here.refresh()
    await there.refresh()
    assert here.of("acme") == there.of("acme")
    assert len(here.of("acme")) == len(here.of("globex")) == 1


async def test_a_reset_is_told_to_the_other_processes_once(database: Database) -> None:
    here, there = await loaded(database), await loaded(database)
    await here.reset("acme", own_only=False)
    await here.reset("globex", own_only=True)
    await here.reset("globex", own_only=True)
    assert await here.refresh() == Changes()
    assert (await there.refresh()).resets == {("acme", False), ("globex", True)}
    assert await there.refresh() == Changes()
    await there.reset("acme", own_only=True)
    assert (await here.refresh()).resets == {("acme", True)}
    assert await there.refresh() == Changes()
    assert await (await loaded(database)).refresh() == Changes(), "a process that starts has nothing to forget"


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("limits", "{"),
        ("limits", '[{"scope": "organization"}]'),
        ("limits", '[{"scope": "planet", "unit": "requests", "per": "minute", "limit": 5}]'),
        ("layer", "moon"),
    ],
)
async def test_a_row_that_cannot_be_read_is_told_and_left_out(
    database: Database, tables: Tables, caplog: pytest.LogCaptureFixture, column: str, text: str
) -> None:
    here = await loaded(database)
    await put(here, "acme", limit(500), key="", layer="operator")
    await put(here, "acme", limit(10), layer="organization")
    where = "WHERE organization = 'acme' AND layer = 'operator'"
    tables.execute(f"UPDATE limiter_override SET {column} = :text {where}", text=text)
    with caplog.at_level(logging.WARNING):
        assert told(await loaded(database), "acme") == {("", "organization", (limit(10),))}
    assert "the limits set for acme, layer" in caplog.text
    assert "cannot be read and are not applied" in caplog.text


class Patchy:
    """A database that can be away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.away = False
        self.reads = 0

    async def read(self, organization: str, work: Callable[[Any], Any]) -> Any:
        self.reads += 1
        if self.away:
            raise Unavailable("the database did not answer within 2 s")
        return await self._database.read(organization, work)

    async def write(self, organization: str, work: Callable[[Any], Any]) -> Any:
        if self.away:
            raise Unavailable("the database did not answer within 2 s")
        return await self._database.write(organization, work)


async def test_while_the_database_is_away_what_was_known_holds(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    patchy, other = Patchy(database), await loaded(database)
    await put(other, "acme", limit(500))
    here = Overrides(patchy)
    await here.load()
    known = here.of("acme")
    patchy.away = True
    await put(other, "acme", limit(600))
    for _ in range(3):
        assert await here.refresh() == Changes()
    assert here.of("acme") == known
    assert caplog.text.count("are not read again for now") == 1
    with pytest.raises(Unavailable):
        await put(here, "acme", limit(1))
    with pytest.raises(Unavailable):
        await here.reset("acme", own_only=False)
    patchy.away = False
    assert await here.refresh() == Changes(organizations=frozenset({"acme"}))
    assert told(here, "acme") == {("", "operator", (limit(600),))}


async def test_a_process_that_starts_without_a_database_catches_up(database: Database) -> None:
    await put(await loaded(database), "acme", limit(500))
    patchy = Patchy(database)
    patchy.away = True
    here = Overrides(patchy)
    await here.load()
    assert here.of("acme") == ()
    patchy.away = False
    assert await here.refresh() == Changes(organizations=frozenset({"acme"}))
    assert len(here.of("acme")) == 1


@pytest.mark.parametrize("organization", ["acme' OR '1'='1", "*", "%", "acme\\", "ac_me", "ACME"])
async def test_a_name_is_only_ever_itself(database: Database, organization: str) -> None:
    here = await loaded(database)
    await put(here, "acme", limit(500))
    assert await here.delete(organization, "", "operator") is None
    assert await put(here, organization, limit(5)) == (
        Override(organization=organization, key="", layer="operator", limits=(limit(5),), updated_ms=ANY),
    )
    await here.refresh()
    assert told(here, "acme") == {("", "operator", (limit(500),))}


class _Any:
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


ANY: Any = _Any()
