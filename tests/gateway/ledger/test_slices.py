"""Many records at once come to what each comes to by itself, whatever is among them."""

from __future__ import annotations

import random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger import slices
from cognitude_plugins.gateway.ledger.records import LARGEST, LONGEST, Entry, parse
from cognitude_plugins.gateway.ledger.row import COLUMNS
from cognitude_plugins.gateway.ledger.slices import parse_all
from tests.gateway.ledger.book import random_rows, row

_ODD = (
    *(b"", b"[]", b"null", b'"text"', b"{}", b"5", b"\xff", b'{"id":"x"}', b'{"a":1},{"b":2}', b"[" * 5000),
    orjson.dumps("x" * len(COLUMNS)),
    orjson.dumps([1] * len(COLUMNS)),
    orjson.dumps({str(number): number for number in range(len(COLUMNS))}),
)
_VALUES = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 1.5, "", "x", "a\x00b", "\\u0000", [], {}, {"a": 1}, {"a": "b"}),
        {"a\x00": "\x00"},
        *(LARGEST, LARGEST + 1, -LARGEST, -LARGEST - 1, 253_402_300_800_000, "y" * LONGEST, "é" * (LONGEST + 1)),
    ]
)


def one_by_one(records: list[bytes]) -> tuple[list[Entry], list[bytes]]:
    entries, refused = [], []
    for record in records:
        try:
            entries.append(parse(record))
        except ValueError:
            refused.append(record)
    return entries, refused


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A row with any value, or none, in any column, and sometimes a column that nobody knows."""
    value = {**orjson.loads(row().encode()), draw(st.sampled_from([*COLUMNS, "added_later"])): draw(_VALUES)}
    for name in draw(st.lists(st.sampled_from(COLUMNS), max_size=1)):
        value.pop(name)
    return orjson.dumps(value)


@given(st.lists(st.one_of(changed(), st.sampled_from(_ODD)), max_size=3), st.integers(0, 3), st.integers(0, 99))
def test_odd_records_among_good_ones_are_what_they_are_by_themselves(odd: list[bytes], good: int, seed: int) -> None:
    records = [*odd, *(one.encode() for one in random_rows(good, seed))]
    random.Random(seed).shuffle(records)
    entries, refused = parse_all(records)
    assert (entries, refused) == one_by_one(records)
    assert [list(map(type, entry)) for entry in entries] == [list(map(type, one)) for one in one_by_one(records)[0]]


@pytest.mark.parametrize("place", [0, 1, 199, 200, 449])
def test_one_bad_record_costs_no_other_slice_anything(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [one.encode() for one in random_rows(450, 1)]
    records[place] = b"{}"
    parsed: list[bytes] = []
    monkeypatch.setattr(slices, "parse", lambda record: parsed.append(record) or parse(record))
    entries, refused = parse_all(records)
    assert refused == [b"{}"]
    assert [entry[0] for entry in entries] == [one.id for one in random_rows(450, 1) if one.encode() in set(records)]
    start = place // 200 * 200
    assert parsed == records[start : start + 200]


def test_good_rows_are_never_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "parse", lambda record: pytest.fail("parsed by itself"))
    rows = [row("a", saved_nano_usd=-5, user="ada", cost_nano_usd=LARGEST), *random_rows(30, 2)]
    assert len(parse_all([one.encode() for one in rows])[0]) == 31
