"""Tiles: without gaps, without overlaps, each of a kind that is kept of its time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.rollups import DAY_MS, HOUR_MS, MINUTE_MS
from cognitude_plugins.gateway.ledger.tiles import Horizons, Tile, floor, identity_tiles, tiles
from hooks import Unanswerable

TIMES = st.one_of(
    st.integers(0, 10 * DAY_MS),
    st.builds(lambda day, off: day * DAY_MS + off, st.integers(0, 9), st.integers(-2, 2)).map(
        lambda time: max(time, 0)
    ),
    st.integers(0, 240).map(lambda hour: hour * HOUR_MS),
)
HORIZONS = st.lists(st.integers(0, 9), min_size=3, max_size=3).map(
    lambda days: Horizons(
        **dict(zip(("hours", "minutes", "calls"), (day * DAY_MS for day in sorted(days)), strict=True))
    )
)
WIDTHS = {"day": DAY_MS, "identity": DAY_MS, "hour": HOUR_MS, "minute": MINUTE_MS, "call": 1}


def assert_sound(found: tuple[Tile, ...], start: int, end: int) -> None:
    """They follow one another from start to end, each on the borders of its kind."""
    place = start
    for tile in found:
        assert tile.start == place < tile.end
        assert tile.start % WIDTHS[tile.kind] == tile.end % WIDTHS[tile.kind] == 0
        place = tile.end
    assert place == max(start, end) or not found


@given(TIMES, TIMES, HORIZONS)
def test_tiles_cover_what_was_asked_from_what_is_kept(start: int, end: int, horizons: Horizons) -> None:
    found = tiles(start, end, horizons)
    assert_sound(found, floor(start, horizons), floor(end, horizons))
    for tile in found:
        since = {"call": horizons.calls, "minute": horizons.minutes, "hour": horizons.hours, "day": 0}[tile.kind]
        assert tile.start >= since
    assert len(found) <= 7


@given(TIMES, TIMES, HORIZONS)
def test_keys_and_users_have_days_and_calls_only(start: int, end: int, horizons: Horizons) -> None:
    found = identity_tiles(start, end, horizons)
    days = Horizons(calls=horizons.calls, minutes=horizons.calls, hours=horizons.calls)
    assert_sound(found, floor(start, days), floor(end, days))
    assert all(tile.kind == "identity" or (tile.kind == "call" and tile.start >= horizons.calls) for tile in found)


def test_the_fewest_tiles_are_taken() -> None:
    start, end = DAY_MS - HOUR_MS - MINUTE_MS - 1, 3 * DAY_MS + HOUR_MS + MINUTE_MS + 1
    found = [(tile.kind, tile.end - tile.start) for tile in tiles(start, end, Horizons())]
    assert found == [
        ("call", 1),
        ("minute", MINUTE_MS),
        ("hour", HOUR_MS),
        ("day", 2 * DAY_MS),
        ("hour", HOUR_MS),
        ("minute", MINUTE_MS),
        ("call", 1),
    ]


def test_nothing_is_asked_of_no_time() -> None:
    assert tiles(5, 5, Horizons()) == tiles(6, 5, Horizons()) == identity_tiles(6, 5, Horizons()) == ()


def test_where_calls_are_gone_times_are_taken_to_what_is_left() -> None:
    kept = Horizons(calls=9 * DAY_MS, minutes=6 * DAY_MS, hours=3 * DAY_MS)
    inside = HOUR_MS + MINUTE_MS + 1
    assert [floor(day * DAY_MS + inside, kept) - day * DAY_MS for day in (9, 6, 3, 2)] == [
        inside,
        HOUR_MS + MINUTE_MS,
        HOUR_MS,
        0,
    ]


CUTS = st.lists(TIMES, max_size=6, unique=True).map(sorted)


@given(TIMES, TIMES, HORIZONS, CUTS)
def test_no_tile_is_cut_but_days_that_are_put_right(start: int, end: int, horizons: Horizons, cuts: list[int]) -> None:
    """Each moment counts once in the end: with the noon of its day, or with itself after it was moved."""
    try:
        found = tiles(start, end, horizons, cuts)
    except ValueError:
        assert min(cuts) < horizons.calls
        return
    assert_sound(
        tuple(sorted((one for one in found if not one.moved), key=lambda one: one.start)),
        *(floor(time, horizons) for time in (start, end)),
    )
    for tile in found:
        inner = [cut for cut in cuts if tile.start < cut < tile.end and cut % WIDTHS[tile.kind]]
        assert not inner or tile.kind == "day"
        for cut in inner:
            assert moved_around(cut, found) == {True, False}


def moved_around(cut: int, found: tuple[Tile, ...]) -> set[bool]:
    """Whether what comes just before and just after a time is moved."""
    return {any(one.moved and one.start <= time < one.end for one in found) for time in (cut - 1, cut)}


@given(TIMES, TIMES, CUTS)
def test_days_of_keys_are_read_from_calls_where_they_are_cut(start: int, end: int, cuts: list[int]) -> None:
    found = identity_tiles(start, end, Horizons(), cuts)
    assert_sound(found, start, end)
    for tile in found:
        assert tile.kind == "call" or not any(cut % DAY_MS and tile.start < cut < tile.end for cut in cuts)


def test_the_smaller_part_of_a_cut_day_is_moved() -> None:
    early, late = DAY_MS + 2 * HOUR_MS, 2 * DAY_MS + 22 * HOUR_MS
    found = tiles(0, 4 * DAY_MS, Horizons(), [early, late])
    assert found == (
        Tile(kind="hour", start=DAY_MS, end=early, moved=True),
        Tile(kind="hour", start=late, end=3 * DAY_MS, moved=True),
        Tile(kind="day", start=0, end=4 * DAY_MS),
    )


def test_what_is_kept_too_coarsely_cannot_be_cut() -> None:
    kept = Horizons(calls=9 * DAY_MS, minutes=6 * DAY_MS, hours=3 * DAY_MS)
    for cut, said, name, since in (
        (DAY_MS + HOUR_MS, "by day", "hours", 3),
        (DAY_MS + MINUTE_MS, "by day", "minutes", 6),
        (4 * DAY_MS + 1, "by hour", "calls", 9),
        (7 * DAY_MS + 1, "by minute", "calls", 9),
    ):
        with pytest.raises(Unanswerable, match=f"{said} of UTC only") as told:
            tiles(0, 20 * DAY_MS, kept, [cut])
        assert (told.value.what, told.value.name) == ("time", name)
        assert told.value.since == datetime.fromtimestamp(since * DAY_MS / 1000, UTC)
    tiles(0, 20 * DAY_MS, kept, [DAY_MS, 4 * DAY_MS + HOUR_MS, 7 * DAY_MS + MINUTE_MS, 9 * DAY_MS + 1])
