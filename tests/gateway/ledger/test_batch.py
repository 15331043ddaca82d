"""One transaction of the writer: what is there already does not count again, one bad row holds up no others."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from cognitude_plugins.gateway.ledger.batch import Part, Stored, store
from cognitude_plugins.gateway.ledger.records import ID, Entry, by_column, parse
from cognitude_plugins.gateway.ledger.rollups import DAY_MS
from cognitude_plugins.gateway.ledger.row import Row
from cognitude_plugins.gateway.ledger.tables import HORIZONS, SEGMENTS
from cognitude_plugins.gateway.storage.database import Storage
from hooks import Unavailable
from tests.gateway.ledger.book import NOON, PARTS, ROLLUPS, assert_exact, random_rows, row, stored_rows


def part(rows: list[Row], segment: str = "one", start: int = 0, end: int | None = None) -> Part:
    return Part(
        segment=segment,
        start=start,
        end=start + len(rows) if end is None else end,
        rows=[parse(one.encode()) for one in rows],
    )


def changed(entry: Entry, name: str, value: object) -> Entry:
    return tuple({**by_column(entry), name: value}.values())


def put(storage: Storage, *parts: Part) -> Stored:
    return storage.write_now(lambda connection: store(connection, parts, NOON))


def offsets(storage: Storage) -> dict[str, int]:
    return storage.read_now(lambda c: {one.name: one.offset for one in c.execute(select(SEGMENTS))})


def test_rows_sums_and_offsets_move_together(each_database: Storage) -> None:
    rows = random_rows(300, 1)
    stored = put(each_database, part(rows[:200]), part(rows[200:], "two"))
    assert (stored.inserted, stored.known, stored.offsets) == (300, 0, {"one": 200, "two": 100})
    assert offsets(each_database) == stored.offsets
    assert_exact(each_database, rows)


def test_what_a_row_says_is_what_the_database_has(each_database: Storage) -> None:
    one = random_rows(1, 5)[0]
    put(each_database, part([one]))
    assert stored_rows(each_database) == [by_column(parse(one.encode()))]


def test_a_part_that_does_not_begin_where_its_segment_is_adds_nothing(each_database: Storage) -> None:
    rows = random_rows(20, 2)
    put(each_database, part(rows[:10]))
    again = put(each_database, part(rows[:10]))
    assert (again.inserted, again.known, again.offsets) == (0, 0, {"one": 10})
    ahead = put(each_database, part(rows[15:], start=15))
    assert (ahead.inserted, ahead.offsets) == (0, {"one": 10})
    assert_exact(each_database, rows[:10])


def test_the_same_rows_out_of_another_segment_change_nothing(each_database: Storage) -> None:
    rows = random_rows(50, 3)
    put(each_database, part(rows))
    again = put(each_database, part([*rows[:30], *rows[:30]], "copy"))
    assert (again.inserted, again.known) == (0, 60)
    assert_exact(each_database, rows)


def test_a_row_that_is_twice_in_a_batch_counts_once(each_database: Storage) -> None:
    rows = random_rows(5, 4)
    stored = put(each_database, part([*rows, *rows]))
    assert (stored.inserted, stored.known) == (5, 5)
    assert_exact(each_database, rows)


def test_late_rows_go_into_their_own_minute(each_database: Storage) -> None:
    late, now = row("late", time_ms=NOON - 2 * DAY_MS), row("now")
    put(each_database, part([now]))
    put(each_database, part([late], "two"))
    table, _ = ROLLUPS["minute"]
    found = each_database.read_now(lambda c: [(one.start_ms, one.calls) for one in c.execute(select(table))])
    assert sorted(found) == [(NOON - 2 * DAY_MS, 1), (NOON, 1)]


def test_rows_older_than_all_sums_are_passed_over(each_database: Storage) -> None:
    each_database.write_now(lambda c: c.execute(HORIZONS.insert().values(table_name="ledger_day", since_ms=NOON)))
    stored = put(each_database, part([row("old", time_ms=NOON - 1), row("new")]))
    assert (stored.inserted, stored.expired, stored.offsets) == (1, 1, {"one": 2})
    assert_exact(each_database, [row("new")])


def test_a_clock_that_was_far_ahead_once_costs_no_row_afterwards(each_database: Storage) -> None:
    """Under it everything was deleted that was kept; what comes when it is right again is counted as ever."""
    ahead = NOON + 30 * DAY_MS
    each_database.write_now(lambda c: c.execute(HORIZONS.insert().values(table_name="ledger_day", since_ms=ahead)))
    stored = put(each_database, part([row("new")]))
    assert (stored.inserted, stored.expired) == (1, 0)
    assert_exact(each_database, [row("new")])


@pytest.mark.parametrize("bad", [[0], [7], [0, 1, 2, 8, 9], list(range(10))])
def test_a_row_that_the_database_refuses_is_found_and_the_others_are_stored(
    each_database: Storage, bad: list[int]
) -> None:
    rows = random_rows(10, 6)
    good = [one for place, one in enumerate(rows) if place not in bad]
    whole = part(rows)
    for place in bad:
        # Past the first check, so that it is the database's own refusal that is met.
        whole.rows[place] = changed(whole.rows[place], "attempts" if place % 2 else "status", 2**63)
    stored = put(each_database, whole)
    assert [refused[ID] for refused, _ in stored.refused] == [rows[place].id for place in bad]
    assert all(why and "\n" not in why for _, why in stored.refused)
    assert stored.offsets == {"one": 10}
    assert_exact(each_database, good)


def test_a_key_too_long_for_an_index_is_refused_like_any_row(each_database: Storage) -> None:
    whole = part([row("a"), row("b"), row("c")])
    name = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=20_000))
    whole.rows[1] = changed(whole.rows[1], "model", name)
    stored = put(each_database, whole)
    if each_database.dialect == "postgresql":
        assert [refused[ID] for refused, _ in stored.refused] == ["b"]
    assert stored.inserted == 3 - len(stored.refused)


def test_a_table_that_is_missing_is_no_rows_fault(each_database: Storage) -> None:
    each_database.write_now(lambda c: c.execute(text("DROP TABLE ledger_hour")))
    with pytest.raises(Exception, match="ledger_hour") as raised:
        put(each_database, part([row()]))
    assert not isinstance(raised.value, Unavailable)
    assert stored_rows(each_database) == []
    assert offsets(each_database) == {}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    takes=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 40), st.sampled_from("ab")), max_size=8),
)
def test_any_order_of_overlapping_pieces_comes_to_the_rows_that_were_in_one(
    each_database: Storage, seed: int, takes: list[tuple[int, int, str]]
) -> None:
    """Also when pieces are repeated, overlap, come late or begin in the wrong place."""
    empty(each_database)
    rows, at, expected = random_rows(40, seed), {"a": 0, "b": 0}, {}
    for start, end, segment in takes:
        put(each_database, part(rows[start:end], segment, start, max(start, end)))
        if start == at[segment] and end > start:
            at[segment] = end
            expected.update({one.id: one for one in rows[start:end]})
    assert_exact(each_database, list(expected.values()))


def empty(storage: Storage) -> None:
    sums = {table.name for table, _ in (*ROLLUPS.values(), *PARTS)}
    for table in ("ledger_call", "ledger_segment", *sorted(sums)):
        storage.write_now(lambda c, table=table: c.execute(text(f"DELETE FROM {table}")))


@pytest.mark.parametrize("count", [20_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_rows_and_all_sums_agree_to_the_nano_dollar(each_database: Storage, count: int) -> None:
    rows = random_rows(count, 7)
    for start in range(0, count, 1000):
        put(each_database, part(rows[start : start + 1000], start=start))
    assert_exact(each_database, rows)
    asked = text("SELECT sum(cost_nano_usd), count(*) FROM ledger_call")
    cost, calls = each_database.read_now(lambda c: c.execute(asked).one())
    assert int(cost) == sum(one.cost_nano_usd or 0 for one in rows)
    assert calls == count
