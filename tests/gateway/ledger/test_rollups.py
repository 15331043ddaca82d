"""Sums of rows: nothing is left out, and hours and days are what their minutes are."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.records import parse
from cognitude_plugins.gateway.ledger.rollups import (
    DAY_MS,
    HOUR_MS,
    QUARTER_MS,
    SUMS,
    Cell,
    Rollups,
    amounts_of,
    rollups,
)
from tests.gateway.ledger.book import NOON, random_rows, row, summed


def of(count: int, seed: int) -> Rollups:
    return rollups(parse(one.encode()) for one in random_rows(count, seed, span=4 * HOUR_MS))


def added(cells: dict[object, Cell] | object) -> dict[str, int]:
    values = list(cells.values())  # type: ignore[attr-defined]
    return {name: sum(cell.sums[place] for cell in values) for place, name in enumerate(SUMS)}


@given(st.integers(1, 60), st.integers(0, 1000))
def test_every_level_comes_to_what_the_rows_do(count: int, seed: int) -> None:
    sums, expected = of(count, seed), summed(random_rows(count, seed, span=4 * HOUR_MS))
    for cells in (sums.minutes, sums.per(HOUR_MS), sums.per(DAY_MS), sums.identities):
        assert added(cells) == expected
    for cells in (sums.minutes, sums.per(HOUR_MS), sums.per(DAY_MS)):
        assert sum(sum(cell.buckets.values()) for cell in cells.values()) == count
    for by_facet, facet in (
        (sums.facet_minutes, "key"),
        (sums.facet_quarters, "key"),
        (sums.facet_quarters, "user"),
    ):
        cells_of = {key: cell for key, cell in by_facet.items() if key[2] == facet}
        assert added(cells_of) == expected
        assert sum(sum(cell.buckets.values()) for cell in cells_of.values()) == count


def test_a_row_counts_in_the_minute_hour_and_day_in_which_it_arrived() -> None:
    sums = rollups([parse(row(time_ms=NOON + 61_001, user="ada").encode())])
    assert list(sums.minutes) == [("acme", NOON + 60_000, "small", "simulated")]
    assert list(sums.per(HOUR_MS)) == [("acme", NOON, "small", "simulated")]
    assert list(sums.per(DAY_MS)) == [("acme", NOON - 12 * HOUR_MS, "small", "simulated")]
    assert list(sums.identities) == [("acme", NOON - 12 * HOUR_MS, "k1", "ada", "small", "simulated")]


def test_a_row_counts_by_its_key_and_each_tag_in_a_minute_and_by_its_user_too_in_a_quarter_of_an_hour() -> None:
    tags = {"team": "a", "note": "b=c", "": ""}
    sums = rollups([parse(row(time_ms=NOON + 19 * 60_000 + 1, user="ada", tags=tags).encode())])
    by_tag = [("tag", "team=a"), ("tag", "note=b=c"), ("tag", "=")]
    model = ("small", "simulated")
    assert sorted(sums.facet_minutes) == sorted(
        ("acme", NOON + 19 * 60_000, *one, *model) for one in (("key", "k1"), *by_tag)
    )
    assert sorted(sums.facet_quarters) == sorted(
        [
            *(("acme", NOON + QUARTER_MS, *one, *model) for one in (("key", "k1"), ("user", "ada"), *by_tag)),
            *(
                ("acme", NOON - 12 * HOUR_MS, f"{facet}_day", value, *model)
                for facet, value in (("key", "k1"), *by_tag)
            ),
        ]
    )


def test_all_models_together_count_in_a_minute_a_quarter_an_hour_and_a_day() -> None:
    rows = [parse(row(model=name, time_ms=NOON + 19 * 60_000 + 1).encode()) for name in ("small", "large")]
    totals = rollups(rows).totals()
    starts = {60_000: NOON + 19 * 60_000, QUARTER_MS: NOON + QUARTER_MS, HOUR_MS: NOON, DAY_MS: NOON - 12 * HOUR_MS}
    assert set(totals) == {(width, start, "acme") for width, start in starts.items()}
    assert {(cell.sums[0], *cell.buckets.values()) for cell in totals.values()} == {(2, 2)}


@pytest.mark.parametrize(
    ("values", "counted"),
    [
        ({}, {}),
        ({"status": 400}, {"errors"}),
        ({"source": "cache"}, {"hits"}),
        ({"source": "cache", "status": 429}, {"errors", "limited"}),
        ({"status": 503}, {"errors"}),
        ({"source": "dry_run"}, {}),
        ({"complete": False}, {"incomplete"}),
        ({"cost_nano_usd": None}, {"unpriced"}),
        ({"cost_nano_usd": 0}, {}),
    ],
)
def test_what_a_row_counts_as(values: dict[str, object], counted: set[str]) -> None:
    amounts = dict(zip(SUMS, amounts_of(parse(row(**values).encode())), strict=True))
    flags = Counter({name: amounts[name] for name in ("errors", "limited", "hits", "incomplete", "unpriced")})
    assert {name for name, count in flags.items() if count} == set(counted)
    assert amounts["calls"] == 1
