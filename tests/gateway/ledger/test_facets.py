"""Sums by key, user and tag: a question is answered as a plain walk over the rows would, whatever there is of them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from cognitude_plugins.gateway.ledger.batch import Part, store
from cognitude_plugins.gateway.ledger.facets import Facet, facet_of, facet_tiles
from cognitude_plugins.gateway.ledger.queries import horizons
from cognitude_plugins.gateway.ledger.reader import Reader
from cognitude_plugins.gateway.ledger.records import parse
from cognitude_plugins.gateway.ledger.retention import prune
from cognitude_plugins.gateway.ledger.rollups import DAY_MS, HOUR_MS, MINUTE_MS, QUARTER_MS
from cognitude_plugins.gateway.ledger.row import Row
from cognitude_plugins.gateway.ledger.tables import CALLS, FACET_MINUTES, FACET_QUARTERS, HORIZONS, TOTALS
from cognitude_plugins.gateway.ledger.tiles import Horizons
from cognitude_plugins.gateway.service_settings import Retention
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import downgrade, upgrade
from hooks import EVERY_ORGANIZATION, Sums, Unanswerable
from hooks.testing import FakeLedger
from tests.databases import DIALECTS, Postgres
from tests.gateway.ledger.book import NOON, as_fake, random_rows, row

FIRST: Final = NOON - 12 * HOUR_MS - 6 * DAY_MS
"""Midnight, six days before the day of `NOON`."""


def rows() -> list[Row]:
    dice = random.Random(7)
    tags = ({}, {}, {"team": "a"}, {"team": "b", "n=m": "x=y=z"}, {"team": ""}, {"note": "=", "team": "a"})
    return [replace(one, tags=dice.choice(tags)) for one in random_rows(700, 5, start=FIRST, span=7 * DAY_MS)]


ROWS: Final = rows()
# A name with ``=`` in it is told with another character, so that the first one ends it.
EXACT: Final = FakeLedger(
    *(as_fake(replace(one, tags={n.replace("=", "_"): v for n, v in one.tags.items()})) for one in ROWS)
)
YOUNG: Final = Retention(rows=2, minutes=3, hours=4, days=300)
STATES: Final[Mapping[str, Horizons]] = {
    "new": Horizons(),
    "upgraded": Horizons(facet_minutes=FIRST + 3 * DAY_MS, quarters=FIRST + 3 * DAY_MS, totals=FIRST + 3 * DAY_MS),
    "pruned": Horizons(
        calls=FIRST + 4 * DAY_MS,
        minutes=FIRST + 3 * DAY_MS,
        hours=FIRST + 2 * DAY_MS,
        facet_minutes=FIRST + 4 * DAY_MS,
        quarters=FIRST + 2 * DAY_MS,
    ),
    "upgraded and pruned": Horizons(
        calls=FIRST + 4 * DAY_MS,
        minutes=FIRST + 3 * DAY_MS,
        hours=FIRST + 2 * DAY_MS,
        facet_minutes=FIRST + 5 * DAY_MS,
        quarters=FIRST + 5 * DAY_MS,
        totals=FIRST + 5 * DAY_MS,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    reader: Reader
    kept: Horizons


@pytest.fixture(params=[(dialect, state) for dialect in DIALECTS for state in STATES], ids=" ".join, scope="module")
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    dialect, state = request.param
    folder = tmp_path_factory.mktemp("facets")
    if dialect == "sqlite":
        yield from filled(f"sqlite:///{folder / 'cognitude.db'}", folder, STATES[state])
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        with postgres.fresh() as url:
            yield from filled(url, folder, STATES[state])


def filled(url: str, folder: Path, kept: Horizons) -> Iterator[Book]:
    storage = Storage(url)
    upgrade(storage, folder / "lock")
    for number in range(3):
        some = [parse(one.encode()) for one in ROWS[number::3]]
        part = Part(segment=f"segment-{number}", start=0, end=len(some), rows=some)
        storage.write_now(lambda connection, part=part: store(connection, [part], NOON))  # type: ignore[misc]
    if kept.totals:
        storage.write_now(lambda connection: forget(connection, kept.quarters))
    if kept.calls:
        asyncio.run(prune(storage, YOUNG, NOON / 1000))
    yield Book(reader=Reader(storage), kept=kept)
    storage.close()


def forget(connection: Connection, since: int) -> None:
    """As if what came before had been written by a version without these sums, but for a late row."""
    for table in (TOTALS, FACET_MINUTES, FACET_QUARTERS):
        connection.execute(table.delete().where(table.c.start_ms < since - HOUR_MS))
        connection.execute(HORIZONS.insert().values(table_name=table.name, since_ms=since))


def at(time: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time)


def finest(time: int, facet: Facet | None, kept: Horizons, latencies: bool) -> int | None:
    """How long the shortest is that is kept of a time; None for nothing."""
    if time >= kept.calls:
        return 1
    if facet is None:
        return MINUTE_MS if time >= kept.minutes else HOUR_MS if time >= kept.hours else DAY_MS
    if time < kept.quarters:
        return None if latencies or facet.name == "tag" else DAY_MS
    if facet.rest and time < kept.minutes:
        return HOUR_MS
    return MINUTE_MS if facet.name != "user" and time >= kept.facet_minutes else QUARTER_MS


MOMENTS = st.one_of(
    st.integers(FIRST - HOUR_MS, FIRST + 8 * DAY_MS),
    st.integers(0, 8 * 96).map(lambda quarter: FIRST + quarter * QUARTER_MS),
    st.integers(0, 8 * 1440).map(lambda minute: FIRST + minute * MINUTE_MS),
    st.integers(0, 8).map(lambda day: FIRST + day * DAY_MS),
)
ASKED = st.sampled_from(
    (
        *(((), {}), ((), {})),
        *((("key",), {}), (("user",), {}), (("tag:team",), {}), (("tag",), {}), (("tag:n_m",), {}), (("tag:no",), {})),
        *(((), {"key": "k1"}), ((), {"user": ""}), ((), {"user": "ada"}), ((), {"tag": "team=a"})),
        *(((), {"tag": "n_m=x=y=z"}), ((), {"tag": "note=="}), ((), {"tag": "team="}), ((), {"tag": "no=a"})),
        *((("key",), {"key": "k2"}), (("tag:team",), {"tag": "team=b"})),
    )
)
OTHERS = st.lists(st.sampled_from(("organization", "model", "provider", "day", "hour")), unique=True, max_size=2)
ZONES = st.sampled_from(("UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    window=st.tuples(MOMENTS, MOMENTS).map(sorted),
    asked=ASKED,
    others=OTHERS,
    model=st.sampled_from((None, None, "small")),
    zone=ZONES,
    quantiles=st.sampled_from(((), (0.5, 0.95), (0.0, 1.0))),
)
async def test_it_is_what_the_rows_come_to_from_the_start_of_what_is_kept_of_a_time(
    book: Book,
    window: list[int],
    asked: tuple[tuple[str, ...], dict[str, str]],
    others: list[str],
    model: str | None,
    zone: str,
    quantiles: tuple[float, ...],
) -> None:
    group_by, filters = (*others, *asked[0]), {**asked[1], **({} if model is None else {"model": model})}
    facet = facet_of(group_by, filters)
    organization = EVERY_ORGANIZATION if "organization" in group_by else "acme"
    more: dict[str, Any] = {"group_by": group_by, "zone": zone, "quantiles": quantiles}
    more["total"] = "tag" not in group_by
    widths = [finest(time, facet, book.kept, bool(quantiles)) for time in window]
    try:
        since, until = map(at, window)
        found = await book.reader.usage(organization, since=since, until=until, **more, **filters)
    except Unanswerable as error:
        cut = "cannot be split there" in str(error)
        assert widths[0] is None or (cut and {"day", "hour"} & {*group_by} and widths[0] > MINUTE_MS)
        return
    since, until = (at(time - time % (width or 1)) for time, width in zip(window, widths, strict=True))
    expected = await EXACT.usage(organization, since=since, until=until, **more, **filters)
    assert list(map(without_seconds, found)) == list(map(without_seconds, expected))
    for one, exactly in zip(found, expected, strict=True):
        assert one.seconds == pytest.approx(exactly.seconds, rel=0.0201)


def without_seconds(sums: Sums) -> dict[str, Any]:
    return {name: getattr(sums, name) for name in Sums.__slots__ if name != "seconds"}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", ["key", "user", "tag"])
@given(window=st.tuples(MOMENTS, MOMENTS).map(sorted), latencies=st.booleans())
def test_no_call_is_read_of_a_time_that_sums_tell(state: str, name: Any, window: list[int], latencies: bool) -> None:
    """But at the edges, and where calls are kept for longer than the sums."""
    kept, facet = STATES[state], Facet(name=name)
    try:
        found = facet_tiles(*window, facet, kept, latencies=latencies)
    except Unanswerable:
        assert window[0] < min(kept.calls, kept.quarters)
        return
    most = QUARTER_MS if name == "user" else MINUTE_MS
    known = max(kept.quarters if name == "user" else kept.facet_minutes, kept.calls)
    for tile in found:
        if tile.kind == "call" and tile.start >= known:
            assert tile.end - tile.start < 2 * most
        if tile.kind in ("facet_quarter", "facet_day"):
            assert tile.start >= kept.quarters
        if tile.kind == "facet_minute":
            assert tile.start >= kept.facet_minutes
    assert sum(tile.end - tile.start for tile in found) <= window[1] - window[0] + DAY_MS


@pytest.mark.parametrize(
    ("dimensions", "filters", "facet"),
    [
        (("model", "day"), {"provider": "openai"}, None),
        (("key", "organization"), {"model": "small"}, Facet(name="key", models=True)),
        (("key", "user"), {}, None),
        (("key",), {"tag": "team=a"}, None),
        (("key", "source"), {}, None),
        ((), {"user": "ada"}, Facet(name="user")),
        (("tag",), {}, Facet(name="tag")),
        (("tag", "tag:team"), {}, None),
        (("tag",), {"tag": "team=a"}, None),
        (("tag:team",), {}, Facet(name="tag", tag="team", rest=True)),
        (("tag:team",), {"tag": "team=a=b"}, Facet(name="tag", tag="team")),
        (("tag:team",), {"tag": "other=a"}, None),
    ],
)
def test_a_question_is_about_one_of_them_or_takes_single_calls(
    dimensions: tuple[str, ...], filters: dict[str, str], facet: Facet | None
) -> None:
    assert facet_of(dimensions, filters) == facet


async def test_sums_are_asked_and_not_calls(each_database: Storage) -> None:
    """Calls that were never stored, and the answer is there all the same."""
    one = row(user="ada", tags={"team": "a"}, time_ms=NOON, status=429)
    part = Part(segment="one", start=0, end=1, rows=[parse(one.encode())])
    each_database.write_now(lambda connection: store(connection, [part], NOON))
    each_database.write_now(lambda connection: connection.execute(CALLS.delete()))
    reader, since, until = Reader(each_database), at(NOON), at(NOON + QUARTER_MS)
    for asked in ({"key": "k1"}, {"user": "ada"}, {"tag": "team=a"}):
        for organization in ("acme", EVERY_ORGANIZATION):
            [sums] = await reader.usage(organization, since=since, until=until, quantiles=(0.5,), **asked)
            assert (sums.calls, sums.limited, sums.seconds_sum) == (1, 1, 0.25)
            assert await reader.spent(organization, since=since, until=until, **asked) == 1200
            found = await reader.latency(organization, since=since, until=until, **asked)
            assert found == pytest.approx((0.25,) * 3, rel=0.0201)


async def test_what_an_older_version_wrote_is_told_by_single_calls(each_database: Storage, tmp_path: Path) -> None:
    """Until the next midnight of UTC, so that a process of that version may go on for some minutes."""
    part = Part(segment="one", start=0, end=len(ROWS), rows=[parse(one.encode()) for one in ROWS])
    each_database.write_now(lambda connection: store(connection, [part], NOON))
    assert each_database.read_now(horizons) == Horizons()
    downgrade(each_database, tmp_path / "lock", "0005_jobs")
    before = datetime.now(UTC)
    upgrade(each_database, tmp_path / "lock")
    midnight = each_database.read_now(horizons).quarters
    assert timedelta() < at(midnight) - before <= timedelta(days=1)
    assert midnight % DAY_MS == 0
    assert each_database.read_now(horizons).facet_minutes == midnight
    assert each_database.read_now(horizons).totals == midnight
    later = row("later", time_ms=midnight + HOUR_MS, user="ada", status=429, tags={"team": "a"})
    part = Part(segment="two", start=0, end=1, rows=[parse(later.encode())])
    each_database.write_now(lambda connection: store(connection, [part], midnight))
    exact, reader = FakeLedger(*EXACT.made, as_fake(later)), Reader(each_database)
    asked = {"since": at(FIRST + 1), "until": at(midnight + DAY_MS), "group_by": ("tag:team", "model")}
    found = await reader.usage("acme", **asked)  # type: ignore[arg-type]
    # What was over a limit was not counted before.
    assert [replace(one, limited=0) for one in found] == [
        replace(one, limited=0)
        for one in await exact.usage("acme", **asked)  # type: ignore[arg-type]
    ]
    for table in (FACET_MINUTES, FACET_QUARTERS):
        count = select(func.count()).select_from(table)
        assert each_database.read_now(lambda c, count=count: c.execute(count).scalar()) in (2, 5)  # type: ignore[misc]


async def test_a_database_without_calls_has_all_sums_from_the_beginning(each_database: Storage, tmp_path: Path) -> None:
    downgrade(each_database, tmp_path / "lock", "0005_jobs")
    upgrade(each_database, tmp_path / "lock")
    assert each_database.read_now(horizons) == Horizons()
