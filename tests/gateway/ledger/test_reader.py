"""Reads of the ledger: whatever they are put together from, the answer is that of the rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from cognitude_plugins.gateway.ledger import queries
from cognitude_plugins.gateway.ledger.batch import Part, store
from cognitude_plugins.gateway.ledger.reader import Reader
from cognitude_plugins.gateway.ledger.records import parse
from cognitude_plugins.gateway.ledger.retention import prune
from cognitude_plugins.gateway.ledger.rollups import DAY_MS, HOUR_MS, MINUTE_MS, QUARTER_MS
from cognitude_plugins.gateway.ledger.row import Row
from cognitude_plugins.gateway.ledger.tables import CALLS, HORIZONS
from cognitude_plugins.gateway.ledger.tiles import Horizons, floor
from cognitude_plugins.gateway.service_settings import Retention
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade
from hooks import EVERY_ORGANIZATION, Unanswerable, Unavailable
from hooks.testing import FakeLedger
from tests.databases import DIALECTS, Postgres
from tests.gateway.ledger.book import NOON, as_fake, random_rows, row

FIRST = NOON - 12 * HOUR_MS - 8 * DAY_MS
"""Midnight, eight days before the day of `NOON`."""
ROWS = random_rows(1_500, 11, start=FIRST, span=9 * DAY_MS)


def at(ms: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def put(storage: Storage, rows: list[Row], segment: str = "one") -> None:
    part = Part(segment=segment, start=0, end=len(rows), rows=[parse(one.encode()) for one in rows])
    storage.write_now(lambda connection: store(connection, [part], NOON))


@pytest.fixture(params=DIALECTS, scope="module")
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    """`ROWS`, with the calls of the last two days, minutes of the last four and hours of the last six."""
    folder = tmp_path_factory.mktemp("book")
    if request.param == "sqlite":
        yield from filled(f"sqlite:///{folder / 'cognitude.db'}", folder)
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        with postgres.fresh() as url:
            yield from filled(url, folder)


def filled(url: str, folder: Path) -> Iterator[Storage]:
    storage = Storage(url)
    upgrade(storage, folder / "lock")
    put(storage, ROWS)
    asyncio.run(prune(storage, Retention(rows=2, minutes=4, hours=6, days=300), NOON / 1000))
    yield storage
    storage.close()


KEPT = Horizons(
    calls=FIRST + 6 * DAY_MS,
    minutes=FIRST + 4 * DAY_MS,
    hours=FIRST + 2 * DAY_MS,
    facet_minutes=FIRST + 6 * DAY_MS,
    quarters=FIRST + 2 * DAY_MS,
)
DAYS_ONLY = Horizons(calls=KEPT.calls, minutes=KEPT.calls, hours=KEPT.calls)
MOMENTS = st.one_of(
    st.integers(FIRST - HOUR_MS, FIRST + 10 * DAY_MS),
    st.integers(0, 20 * 24).map(lambda hour: FIRST + hour * HOUR_MS // 2),
    st.integers(0, 10).map(lambda day: FIRST + day * DAY_MS),
)
FILTERS = st.dictionaries(
    st.sampled_from(("key", "user", "model", "provider")),
    st.sampled_from(("k1", "ada", "", "small", "openai")),
    max_size=2,
)
GROUPS = st.lists(st.sampled_from(("day", "model", "provider", "user", "key")), unique=True, max_size=3).map(tuple)
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(since=MOMENTS, until=MOMENTS, group_by=GROUPS, filters=FILTERS)
async def test_sums_are_those_of_the_rows_whatever_they_are_composed_of(
    book: Storage, since: int, until: int, group_by: Any, filters: dict[str, str]
) -> None:
    """Where calls are gone, those of the rows from the start of what is left of their time."""
    exact, reader = FakeLedger(*map(as_fake, ROWS)), Reader(book)
    start, end = moments(since, until, {*group_by, *filters})
    expected = await exact.usage("acme", since=start, until=end, group_by=group_by, **filters)
    assert await reader.usage("acme", since=at(since), until=at(until), group_by=group_by, **filters) == expected
    start, end = moments(since, until, {*filters})
    spent = await reader.spent("acme", since=at(since), until=at(until), **filters)
    assert spent == await exact.spent("acme", since=start, until=end, **filters)


@FEW
@given(
    since=MOMENTS,
    until=MOMENTS,
    by=st.sampled_from(("day", "hour")),
    zone=st.sampled_from(("UTC", "Europe/Berlin", "Asia/Kolkata")),
)
async def test_days_of_a_zone_are_exact_or_refused_where_only_coarser_sums_are_left(
    book: Storage, since: int, until: int, by: str, zone: str
) -> None:
    exact, asked = FakeLedger(*map(as_fake, ROWS)), {"group_by": (by, "model"), "zone": zone}
    start, end = moments(since, until, set())
    expected = await exact.usage("acme", since=start, until=end, **asked)  # type: ignore[arg-type]
    width, kept = (HOUR_MS, KEPT.hours) if zone != "Asia/Kolkata" else (MINUTE_MS, KEPT.minutes)
    try:
        assert await Reader(book).usage("acme", since=at(since), until=at(until), **asked) == expected  # type: ignore[arg-type]
    except ValueError:
        assert floor(since, KEPT) < kept, f"there are sums of {width} ms"


def moments(since: int, until: int, asked: set[str]) -> tuple[datetime, datetime]:
    """By key or user there are quarters of an hour, by both days only."""
    if len(asked & {"key", "user"}) == 1:
        return at(since - since % finest(since)), at(until - until % finest(until))
    kept = DAYS_ONLY if asked & {"key", "user"} else KEPT
    return at(floor(since, kept)), at(floor(until, kept))


def finest(time: int) -> int:
    return 1 if time >= KEPT.calls else QUARTER_MS if time >= KEPT.quarters else DAY_MS


@FEW
@given(since=MOMENTS, until=MOMENTS, q=st.floats(0, 1), model=st.sampled_from((None, "small")))
async def test_latencies_are_within_two_percent(
    book: Storage, since: int, until: int, q: float, model: str | None
) -> None:
    filters = {} if model is None else {"model": model}
    exact = FakeLedger(*map(as_fake, ROWS))
    start, end = at(floor(since, KEPT)), at(floor(until, KEPT))
    expected = await exact.latency("acme", since=start, until=end, quantiles=(q,), **filters)
    found = await Reader(book).latency("acme", since=at(since), until=at(until), quantiles=(q,), **filters)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found == pytest.approx(expected, rel=0.0201)


@FEW
@given(
    since=st.one_of(st.integers(KEPT.calls, FIRST + 9 * DAY_MS), st.integers(KEPT.quarters, KEPT.calls)),
    length=st.integers(0, 2 * DAY_MS),
    group_by=GROUPS,
    tag=st.sampled_from(("team=a", "team=b", "a'\"b==", "none=", "team=")),
)
async def test_tags_and_latencies_of_keys_are_known_while_quarters_are_kept(
    book: Storage, since: int, length: int, group_by: Any, tag: str
) -> None:
    """With a key or user beside the tag while calls are kept."""
    exact, reader = FakeLedger(*map(as_fake, ROWS)), Reader(book)
    start, end = (time - time % finest(time) for time in (since, since + length))
    window, asked = {"since": at(start), "until": at(end)}, {"since": at(since), "until": at(since + length)}
    expected = await exact.usage("acme", **window, group_by=group_by, tag=tag)
    try:
        assert await reader.usage("acme", **asked, group_by=group_by, tag=tag) == expected
    except Unanswerable:
        assert {"key", "user"} & {*group_by}
        assert since < KEPT.calls
    for filters in ({"tag": tag}, {"key": "k1"}, {"user": ""}):
        found = await reader.latency("acme", **asked, **filters)
        exactly = await exact.latency("acme", **window, **filters)
        assert (found is None) == (exactly is None)
        assert found is None or found == pytest.approx(exactly, rel=0.0201)


@pytest.mark.parametrize("filters", [{"tag": "team=a"}, {"key": "k1"}, {"user": "ada"}])
async def test_what_only_quarters_tell_is_refused_where_they_are_gone(book: Storage, filters: dict[str, str]) -> None:
    with pytest.raises(Unanswerable, match="are kept since 2026-01-09T00:00:00") as told:
        await Reader(book).latency("acme", since=at(KEPT.quarters - 1), **filters)
    assert (told.value.what, told.value.name, told.value.since) == ("time", "quarters", at(KEPT.quarters))


@pytest.mark.parametrize("filters", [{"tag": "team=a", "key": "k1"}, {"key": "k1", "user": "ada"}])
async def test_what_only_calls_tell_is_refused_where_they_are_gone(book: Storage, filters: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="calls are kept since 2026-01-13T00:00:00"):
        await Reader(book).latency("acme", since=at(KEPT.calls - 1), **filters)
    if "tag" in filters:
        with pytest.raises(Unanswerable, match="sums are not kept by tag") as told_of:
            await Reader(book).spent("acme", since=at(KEPT.calls - 1), **filters)
        assert (told_of.value.what, told_of.value.name, told_of.value.since) == ("time", "calls", at(KEPT.calls))


@pytest.mark.parametrize(
    ("asked", "what", "name"),
    [
        ({"user": "\0"}, "filter", "user"),
        ({"tag": "a"}, "filter", "tag"),
        ({"group_by": ("tag:\0",)}, "dimension", "tag:\0"),
        ({"group_by": ("colour",)}, "dimension", "colour"),
        ({"zone": "Mars"}, "zone", None),
    ],
)
async def test_an_error_has_what_is_wrong(book: Storage, asked: dict[str, Any], what: str, name: str | None) -> None:
    with pytest.raises(Unanswerable) as told:
        await Reader(book).usage("acme", **{"since": at(FIRST), **asked})
    assert (told.value.what, told.value.name) == (what, name)


async def test_it_says_since_when_every_call_is_kept(book: Storage) -> None:
    assert await Reader(book).calls_since() == at(KEPT.calls)


async def test_until_now_is_everything_also_what_a_clock_ahead_has_written(book: Storage) -> None:
    exact = FakeLedger(*map(as_fake, ROWS))
    everything = await exact.usage("acme", since=at(FIRST))
    assert (
        await Reader(book, clock=lambda: (FIRST + 8 * DAY_MS + 1) / 1000).usage("acme", since=at(FIRST)) == everything
    )


async def test_of_no_calls_there_is_one_sum_and_no_group_and_no_latency(book: Storage) -> None:
    reader, since = Reader(book), at(FIRST)
    [nothing] = await reader.usage("nobody", since=since)
    assert (nothing.calls, nothing.cost_nano_usd, nothing.group) == (0, 0, {})
    assert await reader.usage("nobody", since=since, group_by=("day",)) == ()
    assert await reader.latency("nobody", since=since) is None
    assert await reader.spent("acme", since=at(NOON), until=at(FIRST)) == 0


@pytest.mark.parametrize(
    "group_by", [("organization",), ("organization", "model"), ("organization", "key"), ("organization", "tag:team")]
)
async def test_of_all_organizations_some_can_be_meant(book: Storage, group_by: tuple[str, ...]) -> None:
    """Whatever table it is read of: each as if asked for by itself."""
    reader = Reader(book)
    since = FIRST if group_by[-1] in ("organization", "model") else KEPT.calls
    asked: dict[str, Any] = {"since": at(since), "group_by": group_by, "quantiles": (0.5,)}
    both = await reader.usage(EVERY_ORGANIZATION, **asked)
    some = await reader.usage(EVERY_ORGANIZATION, **asked, among={"globex", "nobody"})
    assert some == tuple(one for one in both if one.group["organization"] == "globex")
    assert 0 < len(some) < len(both)
    assert await reader.usage(EVERY_ORGANIZATION, **asked, among=()) == ()
    with pytest.raises(ValueError, match="one organization is meant already"):
        await reader.usage("acme", since=at(FIRST), among={"acme"})


@pytest.mark.parametrize("organization", ["' OR '1'='1", "acme' --", "%", "", "ACME", "acme\x00"[:4] + " "])
async def test_an_organization_is_only_ever_compared(book: Storage, organization: str) -> None:
    assert await Reader(book).spent(organization, since=at(FIRST)) == 0
    hostile = dict.fromkeys(("key", "user", "model", "provider"), organization or "x")
    assert await Reader(book).spent("acme", since=at(KEPT.calls), **hostile, tag=f"{organization}={organization}") == 0


async def test_gateway_admins_see_all_organizations_and_each(book: Storage) -> None:
    reader = Reader(book)
    both = await reader.usage_across(None, since=at(FIRST), group_by=("organization",))
    assert [one.group["organization"] for one in both] == ["acme", "globex"]
    for one in both:
        [alone] = await reader.usage(one.group["organization"], since=at(FIRST))
        assert replace(one, group={}) == alone
        assert await reader.usage_across(one.group["organization"], since=at(FIRST)) == (alone,)
    assert await reader.usage(EVERY_ORGANIZATION, since=at(FIRST), group_by=("organization",)) == both
    [everything] = await reader.usage_across(None, since=at(FIRST))
    assert await reader.usage(EVERY_ORGANIZATION, since=at(FIRST)) == (everything,)
    assert await reader.spent(EVERY_ORGANIZATION, since=at(FIRST)) == everything.cost_nano_usd
    assert await reader.latency(EVERY_ORGANIZATION, since=at(FIRST)) is not None
    assert everything.calls == len(ROWS)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"since": datetime(2026, 1, 1)}, "has no time zone"),
        ({"until": datetime(2026, 1, 1)}, "has no time zone"),
        ({"group_by": ("organization",)}, "unknown dimension 'organization'"),
        ({"group_by": ("day", "day")}, "named twice"),
        ({"organisation": "globex"}, "unknown filter"),
        ({"tag": "team"}, "tag must be name=value"),
    ],
)
async def test_what_cannot_be_asked_is_refused(book: Storage, asked: dict[str, Any], said: str) -> None:
    """In the same words by the ledger that plugins are tested with."""
    for ledger in (Reader(book), FakeLedger(*map(as_fake, ROWS))):
        with pytest.raises(ValueError, match=said):
            await ledger.usage("acme", **{"since": at(FIRST), **asked})


async def test_no_organization_is_no_way_to_ask_for_all(book: Storage) -> None:
    nobody: Any = None
    with pytest.raises(ValueError, match="an organization is a text"):
        await Reader(book).usage(nobody, since=at(FIRST))


async def test_a_call_is_found_by_its_id_in_its_organization(each_database: Storage, tmp_path: Path) -> None:
    upgrade(each_database, tmp_path / "lock")
    one = row("req_1", organization="acme", route="because", complexity="simple", model="small")
    put(each_database, [one])
    reader = Reader(each_database)
    found = await reader.find("acme", one.id)
    assert found is not None
    assert (found.id, found.at, found.route, found.complexity) == (one.id, at(one.time_ms), "because", "simple")
    assert (found.model, found.cost_nano_usd) == ("small", one.cost_nano_usd)
    assert await reader.find("globex", one.id) is None
    assert await reader.find("acme", "req_none") is None


@pytest.mark.parametrize("q", [-0.1, 1.1, float("nan")])
async def test_a_quantile_is_a_share(book: Storage, q: float) -> None:
    for ledger in (Reader(book), FakeLedger(*map(as_fake, ROWS))):
        with pytest.raises(ValueError, match="between 0 and 1"):
            await ledger.latency("acme", since=at(FIRST), quantiles=(q,))


async def test_times_of_any_zone_are_taken_and_milliseconds_count(each_database: Storage) -> None:
    put(each_database, [row("a", time_ms=NOON), row("b", time_ms=NOON + 1)])
    reader, india = Reader(each_database), timezone(timedelta(hours=5, minutes=30))
    since, until = at(NOON).astimezone(india), at(NOON + 1).astimezone(india)

    async def calls(since: datetime, until: datetime) -> int:
        [sums] = await reader.usage("acme", since=since, until=until)
        return sums.calls

    assert await calls(since, until) == 1
    assert await calls(since, until + timedelta(microseconds=1)) == 2
    assert await calls(since + timedelta(microseconds=1), until) == 0


async def test_a_long_name_is_found_under_what_is_left_of_it(each_database: Storage) -> None:
    put(each_database, [row(user="é" * 300)])
    assert await Reader(each_database).spent("acme", since=at(NOON - DAY_MS), user="é" * 300) == 1200


async def test_a_database_that_is_gone_is_said(tmp_path: Path) -> None:
    reader = Reader(Storage("postgresql://nobody@127.0.0.1:1/nothing", timeout=0.5))
    with pytest.raises(Unavailable):
        await reader.spent("acme", since=at(NOON))


def test_an_answer_is_of_one_moment_also_while_rows_are_deleted(each_database: Storage) -> None:
    """Between two questions of one answer the calls of the time go; their sums must not be missed or count as well."""
    put(each_database, [row()])
    count = select(func.count()).select_from(CALLS)

    def delete(connection: Connection) -> None:
        connection.execute(HORIZONS.insert().values(table_name="ledger_call", since_ms=NOON + 12 * HOUR_MS))
        connection.execute(CALLS.delete())

    def answer(connection: Connection) -> tuple[object, ...]:
        queries.snapshot(connection)
        before = queries.horizons(connection)
        each_database.write_now(delete)
        return before, queries.horizons(connection), connection.execute(count).scalar()

    assert each_database.read_now(answer) == (Horizons(), Horizons(), 1)
    assert each_database.read_now(queries.horizons) == Horizons(calls=NOON + 12 * HOUR_MS)
