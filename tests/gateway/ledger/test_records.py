"""Records of the journal: what the database takes, and what is refused before it comes to that."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from cognitude_plugins.gateway.ledger.records import LARGEST, LONGEST, by_column, clip, parse
from cognitude_plugins.gateway.ledger.row import COLUMNS
from tests.gateway.ledger.book import row


def record(**values: Any) -> bytes:
    return json.dumps({**orjson.loads(row().encode()), **values}).encode()


def test_a_row_has_every_column_and_its_tags_as_text() -> None:
    entry = by_column(parse(row(tags={"team": "a"}, user="ada").encode()))
    assert set(entry) == set(COLUMNS)
    assert (entry["tags"], entry["user"], entry["status"]) == ('{"team":"a"}', "ada", 200)


def test_what_another_version_wrote_is_completed_and_cut() -> None:
    value = orjson.loads(row().encode())
    del value["complexity"], value["tags"]
    entry = by_column(parse(orjson.dumps({**value, "added_later": 1})))
    assert set(entry) == set(COLUMNS)
    assert (entry["complexity"], entry["tags"]) == (None, "{}")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"status": "200"}, "status is str"),
        ({"status": None}, "status is NoneType"),
        ({"stream": 1}, "stream is int"),
        ({"user": 5}, "user is int"),
        ({"prompt_tokens": 1.5}, "prompt_tokens is float"),
        ({"cost_nano_usd": 2**70}, "cost_nano_usd is float"),
        ({"cost_nano_usd": LARGEST + 1}, "cost_nano_usd is 9007199254740993"),
        ({"latency_us": -1}, "latency_us is -1"),
        ({"time_ms": 253_402_300_800_000}, "after the year 9999"),
        ({"saved_nano_usd": -LARGEST - 1}, "saved_nano_usd is"),
        ({"tags": {"a": 1}}, "tags has a value"),
        ({"tags": []}, "tags is list"),
        ({"id": "x" * (LONGEST + 1)}, "id has 401 characters"),
    ],
)
def test_what_is_of_a_wrong_type_or_size_is_refused_with_its_column(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(record(**values))


@pytest.mark.parametrize("line", [b"", b"[]", b"null", b'"text"', b"{}", b'{"id":"x"}', b"\xff", b"[" * 5000])
def test_what_is_no_row_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        parse(line)


def test_a_negative_saving_is_taken() -> None:
    assert by_column(parse(record(saved_nano_usd=-5)))["saved_nano_usd"] == -5


def test_a_nul_becomes_another_character_also_behind_backslashes_and_in_tags() -> None:
    text = "a\x00b\\\x00c\\u0000"
    entry = by_column(parse(record(user=text, tags={text: text})))
    assert entry["user"] == "a\ufffdb\\\ufffdc\\u0000"
    assert "\\u0000" not in entry["tags"].replace("\\\\u0000", "")
    assert list(orjson.loads(entry["tags"]).items()) == [(entry["user"], entry["user"])]


def test_a_tag_that_sums_are_kept_by_is_cut_and_the_first_equals_sign_ends_its_name() -> None:
    entry = by_column(parse(record(tags={"é" * 90: "😀" * 90, "a=b": "c=d", "short": "x" * 20})))
    tags = orjson.loads(entry["tags"])
    assert tags == {"é" * 64: "😀" * 67, "a_b": "c=d", "short": "x" * 20}
    assert max(len(f"{name}={value}".encode()) for name, value in tags.items()) <= LONGEST


@pytest.mark.parametrize(("text", "length"), [("a" * 500, 400), ("é" * 300, 200), ("😀" * 101, 100), ("b" * 99, 99)])
def test_a_text_that_sums_are_kept_by_is_cut_to_what_an_index_takes(text: str, length: int) -> None:
    for name in ("organization", "key", "user", "model", "provider"):
        cut = by_column(parse(record(**{name: text})))[name]
        assert cut == clip(text) == text[:length]
        assert len(cut.encode()) <= LONGEST
