"""The benchmarks' arithmetic and their load generator; no time is asserted anywhere."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, Table, select

from cognitude_plugins.gateway.ledger.rollups import DAY_MS
from cognitude_plugins.gateway.ledger.row import COLUMNS
from cognitude_plugins.gateway.ledger.tables import CALLS, HOURS, IDENTITY_DAYS, MINUTES
from cognitude_plugins.gateway.ledger.tables import DAYS as LEDGER_DAYS
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade
from tests.bench import analytics, cache, ledger, limits, month, quarter, report, routing, usage
from tests.bench.__main__ import COMMANDS
from tests.bench.document import PROGRAMS, placed
from tests.bench.figures import PROMISES, Figure, Ratio, Round, Visit, across, added, ratios
from tests.bench.load import Result, drive, percentile
from tests.bench.measure import Failed, Sample, Scenario, order_of
from tests.bench.scenarios import ASKED, BURST, FULL, OTHER, PACED, QUICK, SATURATED
from tests.bench.subjects import ADMIN_KEY, Door
from tests.bench.suite import NAMES, upstreams

DOCS = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def sample(cpu_us: float, p50_us: float = 0.0) -> Sample:
    return Sample(
        requests_per_second=1.0,
        p50_us=p50_us,
        p99_us=0.0,
        first_us=0.0,
        cpu_us=cpu_us,
        loop_us=cpu_us,
        cpu_per_chunk_us=0.0,
        busy=1.0,
    )


def visit(cpu_us: Mapping[str, float], ready: float = 0.5, memory: float = 60.0, p50: float = 0.0) -> Visit:
    samples = {name: sample(value, p50) for name, value in cpu_us.items()}
    return Visit(ready_seconds=ready, memory_mb=memory, samples=samples)


def round_of(floor: float = 100.0, empty: float = 130.0, litellm: float | None = 13_000.0) -> Round:
    streams = {BURST.name: 1000.0, ASKED.name: 1000.0, PACED.name: 5000.0}
    found = {
        "direct": visit({SATURATED.name: 30.0}),
        "floor": visit({SATURATED.name: floor, **streams}),
        "empty": visit({SATURATED.name: empty, **streams}),
        "unaccounted": visit({SATURATED.name: empty - 15.0}),
        "noop10": visit({SATURATED.name: empty + 5.0}),
        "limited": visit({SATURATED.name: empty + 5.0}),
        "turned-away": visit({SATURATED.name: 80.0}),
        "refused": visit({SATURATED.name: 84.0}),
        "bare": visit({SATURATED.name: 30.0, OTHER.name: 29.0}),
        "middleware": visit({SATURATED.name: 60.0, OTHER.name: 30.0}),
    }
    if litellm is not None:
        found["litellm"] = visit({SATURATED.name: litellm}, ready=5.0, memory=300.0)
    return found


def measured(rounds: list[Round]) -> dict[str, Ratio]:
    return {ratio.name: ratio for ratio in ratios(rounds)}


def test_a_ratio_is_taken_within_a_round_and_then_the_median_over_the_rounds() -> None:
    slow, fast, odd = round_of(200.0, 260.0), round_of(100.0, 130.0), round_of(100.0, 150.0)
    ratio = measured([slow, fast, odd])["empty pipeline: CPU per request, times the floor"]
    assert ratio.figure == Figure(median=1.3, low=1.3, high=1.5, runs=3)
    assert ratio.kept


def test_every_promise_is_judged_when_everything_was_measured() -> None:
    assert [ratio.name for ratio in ratios([round_of()])] == [name for name, _, _, _ in PROMISES]
    assert all(ratio.kept for ratio in ratios([round_of()]))


def test_a_broken_promise_is_called_so() -> None:
    found = measured([round_of(empty=141.0)])
    assert not found["empty pipeline: CPU per request, times the floor"].kept
    assert "BROKEN" in report.tables([round_of(empty=141.0)], False, [])


def test_a_lower_limit_is_broken_from_below() -> None:
    assert measured([round_of(litellm=45 * 130.0)])["empty pipeline: requests per core, times LiteLLM"].kept
    assert not measured([round_of(litellm=44 * 130.0)])["empty pipeline: requests per core, times LiteLLM"].kept


def test_without_the_peer_its_ratios_are_left_out_and_the_report_says_so() -> None:
    found = measured([round_of(litellm=None)])
    assert not [name for name in found if "LiteLLM" in name]
    assert "left out: no peers" in report.tables([round_of(litellm=None)], False, ["no peers"])


def test_a_peer_that_ran_in_some_rounds_only_is_compared_in_those() -> None:
    ratio = measured([round_of(), round_of(litellm=None)])["memory: share of LiteLLM's"]
    assert ratio.figure.runs == 1


def test_what_a_subject_adds_is_over_the_upstream_in_the_same_round() -> None:
    one = {
        "direct": Visit(ready_seconds=0, memory_mb=0, samples={SATURATED.name: sample(1.0, p50_us=900.0)}),
        "empty": Visit(ready_seconds=0, memory_mb=0, samples={SATURATED.name: sample(1.0, p50_us=2900.0)}),
    }
    assert across([one], added("empty", SATURATED.name, "p50_us")) == Figure(median=2000, low=2000, high=2000, runs=1)


def test_nothing_measured_is_no_figure() -> None:
    assert across([], lambda one: 1.0) is None
    assert percentile([], 0.5) == 0.0


def test_a_percentile_is_the_nearest_rank() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (51.0, 100.0, 100.0)


def test_every_effort_runs_each_scenario_at_least_three_times() -> None:
    assert QUICK.runs >= 3
    assert FULL.runs >= 3
    assert {SATURATED, BURST, PACED, OTHER} <= set(QUICK.scenarios) <= set(FULL.scenarios)


@pytest.mark.parametrize("pieces", [1, 7, 60])
async def test_the_load_generator_counts_answers_and_events_however_they_are_cut(pieces: int) -> None:
    answer = _chunked([b"data: {}\n\n"] * 5 + [b"data: [DONE]\n\n"])
    result = await _driven(answer, pieces)
    assert result.failures == {}
    assert result.requests >= 2
    assert result.events == result.requests * 6


async def test_the_load_generator_tells_of_errors_and_of_streams_that_break_off() -> None:
    refused = await _driven(b"HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\n{}", 1)
    assert refused.failures == {"status 503": refused.requests}
    broken = await _driven(_chunked([b"data: {}\n\n"]), 1)
    assert broken.failures == {"a stream without its end": broken.requests}


@pytest.mark.parametrize(("questions", "expected"), [(1, 1), (2, 2), (0, None)])
async def test_the_load_generator_asks_as_many_questions_as_it_is_told(questions: int, expected: int | None) -> None:
    asked: list[bytes] = []
    scenario = Scenario(name="one", kind="whole", concurrency=4, questions=questions)
    result = await _driven(_WHOLE, 1, scenario, asked)
    assert result.failures == {}
    assert len(asked) == result.requests > 4
    assert len(set(asked)) == (result.requests if expected is None else expected)


async def test_the_load_generator_pauses_between_an_answer_and_the_next_request() -> None:
    scenario = Scenario(name="one", kind="whole", concurrency=1, pause=0.02)
    result = await _driven(_WHOLE, 1, scenario)
    assert 1 <= result.requests <= 3


def hits(one: float = 50.0, p99: float = 1000.0) -> Round:
    """Of every subject of the cache's benchmark."""

    def cost(cpu_us: float, p50_us: float) -> Sample:
        return replace(sample(cpu_us, p50_us), p99_us=500.0)

    both = {cache.HITS.name: cost(100.0, 0.0), cache.MISSES.name: cost(100.0, 500.0)}
    light = {cache.LIGHT.name: cost(0.0, 0.0), cache.BESIDE: replace(sample(0.0), p99_us=p99)}
    samples = {
        "floor": both,
        "constant": {cache.HITS.name: cost(35.0, 0.0), cache.MISSES.name: cost(35.0, 70.0)},
        "constant-get": {cache.HITS.name: cost(65.0, 0.0), cache.MISSES.name: cost(65.0, 150.0)},
        "empty": {cache.MISSES.name: cost(130.0, 500.0)},
        "cached": {cache.MISSES.name: cost(200.0, 590.0)},
        "cached-memory": {cache.HITS.name: cost(one, 100.0), **light},
        "cached-redis": {cache.HITS.name: cost(one + 40.0, 300.0)},
        "cached-sql": {cache.HITS.name: cost(200.0, 900.0)},
        "litellm-cached": {cache.HITS.name: cost(5000.0, 9000.0)},
    }
    return {name: Visit(ready_seconds=0, memory_mb=0, samples=one) for name, one in samples.items()}


def test_every_promise_of_the_cache_is_judged_when_everything_was_measured() -> None:
    found = {one.name: one for one in ratios([hits()], cache.PROMISES)}
    assert list(found) == [name for name, _, _, _ in cache.PROMISES]
    assert all(one.kept for one in found.values())
    assert found["a hit from Redis: CPU beyond one from memory, in GETs"].figure.median == pytest.approx(40 / 30)
    assert found["a miss: p50 added, less one GET, share of the floor's CPU"].figure.median == pytest.approx(0.1)
    assert cache.table([hits()]).count("BROKEN") == 0
    assert cache.table([hits(one=60.0, p99=1001.0)]).count("BROKEN") == 2


def test_a_stream_asks_for_its_usage_only_where_the_scenario_says_so() -> None:
    plain = order_of(Door(), BURST, 80, 1.0).body
    asked = order_of(Door(), ASKED, 80, 1.0).body
    assert ("include_usage" in plain, "include_usage" in asked) == (False, True)
    assert order_of(Door(path="/other"), OTHER, 80, 1.0).request.startswith(b"GET /other HTTP/1.1\r\n")


def test_figures_are_put_where_the_page_has_a_place_for_them() -> None:
    page = "a\n<!-- all -->\nold\n<!-- end -->\nb\n<!-- clients -->\nkept\n<!-- end -->\n"
    once = placed(page, "all", r"new \1")
    assert once == "a\n<!-- all -->\n\nnew \\1\n\n<!-- end -->\nb\n<!-- clients -->\nkept\n<!-- end -->\n"
    assert placed(once, "all", r"new \1") == once
    with pytest.raises(ValueError, match="has no <!-- servers -->"):
        placed(page, "servers", "new")


def test_the_page_has_a_place_for_each_command() -> None:
    for what in (*COMMANDS, *PROGRAMS):
        placed(DOCS.read_text(), what, "figures")


def test_the_documentation_names_every_subject_and_each_command() -> None:
    text = DOCS.read_text()
    for name in (*NAMES, *cache.NAMES):
        assert f"`{name}`" in text, name
    assert "make bench" in text
    for command in COMMANDS[1:]:
        assert f"python -m tests.bench {command}" in text, command
    for program in PROGRAMS:
        assert f"python -m tests.bench.{program}" in text, program


def test_what_the_writer_takes_is_in_one_figure_of_accounting_and_not_in_the_other() -> None:
    one = round_of(floor=100.0, empty=130.0)
    quick = replace(one["empty"].samples[SATURATED.name], loop_us=120.0)
    one = {**one, "empty": replace(one["empty"], samples={**one["empty"].samples, SATURATED.name: quick})}
    found = measured([one])
    assert found["auth and accounting: CPU added, share of the floor"].figure.median == pytest.approx(0.15)
    assert found["the same without the writer's thread"].figure.median == pytest.approx(0.05)


def test_the_ledger_has_a_row_for_each_answer_of_a_run(tmp_path: Path) -> None:
    with upstreams(tmp_path) as ports:
        written = ledger.into("SQLite", f"sqlite:///{tmp_path / 'ledger.db'}", ports, 0.3, tmp_path)
    assert written.whole > 0
    assert written.streamed > 0
    assert (written.rows, written.lost) == (written.answers, 0)
    assert "BROKEN" not in ledger.table([replace(written, lag_seconds=0.1)])


def test_a_row_that_is_missing_and_a_writer_that_lags_break_a_promise() -> None:
    run = ledger.Run(
        database="SQLite",
        seconds=2.0,
        whole=90,
        streamed=10,
        rows=99,
        lag_seconds=1.0,
        caught_up_seconds=0.5,
        cpu_us=300.0,
        writer_us=30.0,
        server_us=0.0,
        busy=0.9,
    )
    assert "SQLite: answers without a row | 1 | ≤ 0 | BROKEN |" in " ".join(ledger.table([run]).split())
    assert ledger.table([replace(run, rows=100)]).count("BROKEN") == 0
    assert ledger.table([replace(run, rows=100, lag_seconds=2.1)]).count("BROKEN") == 1


def test_a_reservation_is_compared_with_a_get_and_an_organization_is_weighed(tmp_path: Path) -> None:
    value, table = limits.limits(0.07, tmp_path)
    assert [one["what"] for one in value["costs"][:3]] == [limits.GET, limits.THREE, "four limits, and settled"]
    assert all(one["client_us"] > 0 for one in value["costs"])
    few, many = (one["bytes"] for one in value["memory"] if one["what"] == limits.THREE)
    assert min(few, many) > 0
    assert abs(many - few) < 100, "it does not grow with the calls"
    assert value["memory"][-1]["bytes"] > max(few, many), "but with those under way"
    assert f"≤ {limits.MOST_TIMES_A_GET}" in table


def test_a_costly_reservation_and_a_large_organization_break_a_promise() -> None:
    costs = [
        limits.Cost(what=what, concurrency=concurrency, client_us=us, server_us=1.0)
        for concurrency in limits.CONCURRENCY
        for what, us in ((limits.GET, 10.0), (limits.THREE, 20.0 + concurrency))
    ]
    memory = [limits.Memory(what="large", calls=1, under_way=0, bytes=2001)]
    lines = limits.table(costs, memory).splitlines()
    assert [line.split("|")[4].strip() for line in lines[-3:]] == ["kept", "BROKEN", "BROKEN"]


def test_the_month_has_as_many_calls_and_sums_as_were_asked_for(postgres_url: str, tmp_path: Path) -> None:
    said: list[str] = []
    month.load(postgres_url, 400, tmp_path, said.append, now=lambda: 1_768_478_400.0)
    with psycopg.connect(postgres_url) as connection:
        for table in ("minute", "hour", "day", "identity_day"):
            statement = f"SELECT sum(calls), sum(cost_nano_usd), sum(errors) FROM ledger_{table}"
            assert connection.execute(statement.encode()).fetchone() == connection.execute(_OF_CALLS).fetchone(), table
        days = connection.execute("SELECT count(DISTINCT start_ms), max(start_ms) FROM ledger_day").fetchone()
        names = connection.execute("SELECT count(DISTINCT organization) > 10, count(*) FROM ledger_call").fetchone()
    assert days == (month.DAYS, 1_768_478_400_000 // DAY_MS * DAY_MS)
    assert names == (True, 400)
    assert said[-1] == "sums of 400 calls"


def test_every_column_of_a_row_is_made_up() -> None:
    assert tuple(month.VALUES) == COLUMNS


def test_the_usage_by_day_is_what_is_promised() -> None:
    times = tuple(float(number) for number in range(41, 61))
    asked = [
        usage.Asked(who=who, by=by, groups=30, calls=7, first_ms=90.0, times_ms=times)
        for who, by in (
            ("an organization's key", "day"),
            ("an organization's key", "key"),
            ("a gateway admin's key", "day"),
        )
    ]
    told = usage.table(asked, 1000, 10**9, 3.0)
    assert told.count("BROKEN") == 2
    assert "an organization's key | day | 30 | 7 | 90.0 | 50.5 | 41.0-60.0 |" in " ".join(told.split())


def test_a_quick_answer_that_lacks_calls_is_no_result() -> None:
    asked = [
        usage.Asked(who=who, by=by, groups=1, calls=30 if key == ADMIN_KEY else 10, first_ms=1.0, times_ms=(1.0,))
        for who, key, by in usage.QUESTIONS
    ]
    usage.check(asked, {"default": 10, "organization-1": 20})
    with pytest.raises(Failed, match="30 calls, but there are 31"):
        usage.check(asked, {"default": 10, "organization-1": 21})


_OF_CALLS = b"SELECT count(*), sum(cost_nano_usd), count(*) FILTER (WHERE status >= 400) FROM ledger_call"


def _chunked(parts: list[bytes]) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


_WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
_OTHER = Scenario(name="", kind="other", concurrency=2)


async def _driven(answer: bytes, pieces: int, scenario: Scenario = _OTHER, asked: list[bytes] | None = None) -> Result:
    """For 0.05 s, by a server that notes the bodies it was ``asked``."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                if asked is not None:
                    asked.append(body)
                size = len(answer) // pieces + 1
                for start in range(0, len(answer), size):
                    writer.write(answer[start : start + size])
                    await writer.drain()
                    await asyncio.sleep(0)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await drive(order_of(Door(path="/other"), scenario, port, 0.05))


def test_a_decision_is_measured_at_every_length_and_judged() -> None:
    value, shown = routing.routing(30, Path())
    assert [one["characters"] for one in value["decided"]] == list(routing.LENGTHS)
    assert all(0 < one["p50_us"] <= one["p99_us"] for one in value["decided"])
    assert "a decision at 400 characters: p50 µs" in shown


def test_a_slow_decision_breaks_a_promise() -> None:
    slow = [routing.Decided(characters=length, p50_us=9000.0, p99_us=9000.0) for length in routing.LENGTHS]
    assert routing.table(slow, 1).count("BROKEN") == 3


def test_a_quarter_is_the_same_in_both_databases_and_its_sums_are_the_gateways(
    postgres_url: str, sqlite_url: str, tmp_path: Path
) -> None:
    """Two days of it: PostgreSQL's own sums, latencies too, are those that the gateway's code makes in SQLite."""
    start, tables = 20_500 * DAY_MS, (CALLS, MINUTES, HOURS, LEDGER_DAYS, IDENTITY_DAYS)
    found = []
    for url in (postgres_url, sqlite_url):
        storage = Storage(url)
        upgrade(storage, tmp_path / "lock")
        quarter.put_rows(storage, 400, start, start + 2 * DAY_MS, lambda text: None)
        quarter.put_sums(storage, start, lambda text: None, days=2)
        found.append([storage.read_now(partial(every_line, table=table)) for table in tables])
        storage.close()
    assert found[0] == found[1]
    assert len(found[0][0]) == 400
    assert tuple(quarter.VALUES) == COLUMNS


def every_line(connection: Connection, table: Table) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in connection.execute(select(table)))


async def test_what_analytics_are_asked_is_answered_and_judged(sqlite_url: str, tmp_path: Path) -> None:
    storage = Storage(sqlite_url)
    upgrade(storage, tmp_path / "lock")
    now = datetime(2026, 2, 16, 23, tzinfo=UTC)
    found = await analytics.asked_of(storage, now, 1, 3, (*analytics.QUESTIONS[:2], ("nothing", 1.0)))
    storage.close()
    assert [one.most_ms for one in found] == [300.0, 300.0]
    slow = analytics.Asked(question="summary", most_ms=50.0, first_ms=1.0, times_ms=(51.0, 52.0))
    assert "BROKEN" in analytics.table([slow])
    again = analytics.Asked(question="recommendations", most_ms=50.0, first_ms=51.0, times_ms=(1.0, 2.0))
    assert "BROKEN" in analytics.table([again]), "what is given again is no measurement"
