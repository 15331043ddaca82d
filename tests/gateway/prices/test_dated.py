from __future__ import annotations

import time
from datetime import date
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from cognitude_plugins.gateway.prices.dated import TABLE, read_table
from cognitude_plugins.gateway.prices.price_map import price_map_path, read_map

ROW = {
    "provider": "p",
    "models": ["m"],
    "effective_from": "2025-01-01",
    "effective_until": None,
    "input": 1,
    "output": 2,
    "source": "https://example.com/prices",
}


def a_table(folder: Path, **changes: object) -> Path:
    path = folder / "table.json"
    row = {name: value for name, value in {**ROW, **changes}.items() if value != "left out"}
    path.write_bytes(orjson.dumps({"prices": [row]}))
    return path


def test_every_row_of_the_table_is_complete_and_says_where_it_is_from() -> None:
    table = read_table()
    assert len(table) >= 15
    for row in table:
        assert row.models
        assert row.source.startswith("https://"), row
        assert row.first <= (row.last or date.max)
        assert 0 < row.price.input <= row.price.output, row
        for part in (row.price.cached_input, row.price.cache_write):
            assert part is None or 0 < part <= 2 * row.price.input, row
        for tier in row.price.tiers:
            assert (tier.input or 0) > row.price.input, row


def test_no_two_rows_hold_for_a_model_at_once() -> None:
    spans: dict[str, list[tuple[date, date]]] = {}
    for row in read_table():
        for model in row.models:
            spans.setdefault(f"{row.provider}/{model}", []).append((row.first, row.last or date.max))
    for name, found in spans.items():
        found.sort()
        assert all(before[1] < after[0] for before, after in pairwise(found)), name


def test_the_table_has_only_what_the_map_lacks() -> None:
    """What LiteLLM adds again should be taken out here, so that its price is the one that is kept up to date."""
    path = price_map_path()
    assert path is not None
    entries = read_map(path)
    assert entries
    for row in read_table():
        for model in row.models:
            assert f"{row.provider}/{model}" not in entries
            assert entries.get(model, {}).get("litellm_provider") != row.provider


def test_the_table_is_read_in_a_few_milliseconds() -> None:
    read_table()
    began = time.process_time()
    for _ in range(10):
        read_table()
    assert (time.process_time() - began) / 10 < 0.012


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input": -1}, "zero or more US dollars, not -1"),
        ({"inputs": 1}, "no field inputs"),
        ({"effective_from": "soon"}, "soon"),
        ({"effective_until": "left out"}, "effective_until"),
        ({"output": "left out"}, "output"),
    ],
)
def test_a_row_that_is_wrong_is_named_with_what_is_wrong(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    assert len(read_table(a_table(tmp_path))) == 1
    with pytest.raises(ValueError, match=f"entry 0 of the price table.*{said}"):
        read_table(a_table(tmp_path, **changes))


def test_the_file_lies_beside_the_module() -> None:
    assert TABLE.name == "table.json"
    assert TABLE.is_file()
