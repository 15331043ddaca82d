"""Groups of the ledger, by everything there is, in every zone: what a plain walk over the rows comes to."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.batch import Part, store
from cognitude_plugins.gateway.ledger.grouped import stretch_of
from cognitude_plugins.gateway.ledger.queries import Question
from cognitude_plugins.gateway.ledger.reader import DIMENSIONS, Reader
from cognitude_plugins.gateway.ledger.records import parse
from cognitude_plugins.gateway.ledger.rollups import DAY_MS, HOUR_MS
from cognitude_plugins.gateway.ledger.row import Row
from cognitude_plugins.gateway.ledger.zone import cuts
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade
from hooks import Sums
from hooks.testing import FakeLedger
from tests.databases import DIALECTS, Postgres
from tests.gateway.ledger.book import as_fake, random_rows


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


CHANGES = (
    at("2026-03-08T07:00Z"),  # New York, Lord Howe and Berlin, each forwards and back.
    at("2026-11-01T06:00Z"),
    at("2026-10-03T15:30Z"),
    at("2026-04-04T15:00Z"),
    at("2026-03-29T01:00Z"),
    at("2026-10-25T01:00Z"),
)
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"),
    *("Asia/Kathmandu", "Pacific/Auckland", "Africa/Cairo", "Europe/London", "America/Sao_Paulo"),
)


def rows() -> list[Row]:
    """Around each change, in no order, some of them sent twice."""
    found = [
        one
        for number, change in enumerate(CHANGES)
        for one in random_rows(130, 20 + number, start=change - 36 * HOUR_MS, span=3 * DAY_MS)
    ]
    dice = random.Random(3)
    found += dice.sample(found, 100)
    dice.shuffle(found)
    return found


ROWS = rows()
EXACT = FakeLedger(*map(as_fake, {one.id: one for one in ROWS}.values()))


@pytest.fixture(params=DIALECTS, scope="module")
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("grouped")
    if request.param == "sqlite":
        yield from filled(f"sqlite:///{folder / 'cognitude.db'}", folder)
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        with postgres.fresh() as url:
            yield from filled(url, folder)


def filled(url: str, folder: Path) -> Iterator[Reader]:
    """Four segments, one after the other: later ones have earlier calls."""
    storage = Storage(url)
    upgrade(storage, folder / "lock")
    for number in range(4):
        some = [parse(one.encode()) for one in ROWS[number::4]]
        part = Part(segment=f"segment-{number}", start=0, end=len(some), rows=some)
        storage.write_now(lambda connection, part=part: store(connection, [part], CHANGES[0]))  # type: ignore[misc]
    yield Reader(storage)
    storage.close()


WINDOWS = st.builds(
    lambda change, before, after: (change - before, change + after),
    st.sampled_from(CHANGES),
    st.one_of(st.integers(0, 40).map(lambda hours: hours * HOUR_MS), st.integers(0, 2 * DAY_MS)),
    st.one_of(st.integers(0, 40).map(lambda hours: hours * HOUR_MS), st.integers(0, 2 * DAY_MS)),
)
EVERYTHING = st.just((CHANGES[0] - 3 * DAY_MS, CHANGES[1] + 3 * DAY_MS))
GROUPS = st.lists(st.sampled_from((*DIMENSIONS, "tag:team", "tag:a'\"b")), unique=True, max_size=2).map(tuple)
FILTERS = st.sampled_from(({}, {}, {"model": "small"}, {"key": "k1"}, {"user": ""}, {"tag": "team=b"}))
QUANTILES = st.sampled_from(((), (0.5, 0.95, 0.99), (0.0, 1.0)))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(WINDOWS, EVERYTHING), GROUPS, st.sampled_from(ZONES), FILTERS, QUANTILES)
async def test_every_group_is_what_its_rows_come_to(
    reader: Reader,
    window: tuple[int, int],
    group_by: tuple[str, ...],
    zone: str,
    filters: dict[str, str],
    quantiles: tuple[float, ...],
) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    since, until = (epoch + timedelta(milliseconds=one) for one in window)
    asked: dict[str, Any] = {"since": since, "until": until, "group_by": group_by, "zone": zone, "quantiles": quantiles}
    asked["total"] = "tag" not in group_by
    expected = await EXACT.usage("acme", **asked, **filters)
    found = await reader.usage("acme", **asked, **filters)
    assert list(map(without_seconds, found)) == list(map(without_seconds, expected))
    for one, exactly in zip(found, expected, strict=True):
        assert one.seconds == pytest.approx(exactly.seconds, rel=0.0201)


def without_seconds(sums: Sums) -> dict[str, Any]:
    return {name: getattr(sums, name) for name in Sums.__slots__ if name != "seconds"}


async def test_the_hour_that_clocks_go_through_twice_is_two(reader: Reader) -> None:
    since, until = (datetime.fromisoformat(f"2026-10-25T{hour}:00Z") for hour in ("00", "02"))
    found = await reader.usage("acme", since=since, until=until, group_by=("hour",), zone="Europe/Berlin")
    assert [one.group["hour"] for one in found] == ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"]


@pytest.mark.parametrize(
    ("organization", "since", "until"),
    [
        *(("acme", 2500, 2501), ("acme", 2500, 2500), ("acme", 2027, 2026)),
        *(("acme", 1971, 1972), ("nobody", 1970, 9998), ("nobody", 2500, 2500)),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
async def test_where_nothing_is_stored_there_are_no_groups_and_no_hours_to_list(
    reader: Reader, organization: str, since: int, until: int, zone: str
) -> None:
    first, last = datetime(since, 1, 1, tzinfo=UTC), datetime(until, 1, 1, tzinfo=UTC)
    assert await reader.usage(organization, since=first, until=last, group_by=("hour",), zone=zone) == ()
    question = Question(organization=organization, dimensions=("hour",), zone=zone)
    window = int(first.timestamp() * 1000), int(last.timestamp() * 1000)
    start, end, found = await reader._storage.read(lambda connection: stretch_of(connection, question, *window))
    assert (start, list(cuts("hour", found, end))) == (end, [])


async def test_hours_are_listed_of_the_time_with_calls_only(reader: Reader) -> None:
    since, until = datetime(1970, 1, 2, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
    question = Question(organization="acme", dimensions=("hour",))
    window = int(since.timestamp() * 1000), int(until.timestamp() * 1000)
    _, end, found = await reader._storage.read(lambda connection: stretch_of(connection, question, *window))
    assert len(list(cuts("hour", found, end))) < 300 * 24
    hours = await reader.usage("acme", since=since, until=until, group_by=("hour",))
    assert sum(one.calls for one in hours) == len({one.id for one in ROWS if one.organization == "acme"})


async def test_tags_have_no_total_of_their_groups(reader: Reader) -> None:
    for ledger in (reader, EXACT):
        with pytest.raises(ValueError, match="no total"):
            await ledger.usage("acme", since=datetime.now(UTC), group_by=("tag", "model"), total=True)


async def test_a_zone_that_is_not_there_is_refused(reader: Reader) -> None:
    for name in ("Europe/Bielefeld", "../../etc/passwd", "", "\x00"):
        with pytest.raises(ValueError, match="there is no time zone"):
            await reader.usage("acme", since=datetime.now(UTC), zone=name)
