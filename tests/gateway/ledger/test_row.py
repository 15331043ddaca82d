"""A row, written and read."""

from __future__ import annotations

import pytest

from cognitude_plugins.gateway.ledger.row import COLUMNS, Row

ROW = Row(
    id="req_1",
    time_ms=1,
    organization="acme",
    key="k",
    api="chat",
    requested_model="small",
    model="small",
    provider="simulated",
    source="provider",
    status=200,
    stream=False,
    complete=True,
    latency_us=12,
    overhead_us=3,
    attempts=1,
    tags={"team": "search"},
)


def test_a_row_is_read_as_it_was_written() -> None:
    assert Row.decode(ROW.encode()) == ROW


def test_what_a_later_version_adds_is_left_out() -> None:
    assert Row.decode(ROW.encode()[:-1] + b',"added_later":1}') == ROW


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"id":"x"}', b"nonsense", b'{"id":'])
def test_what_is_no_row_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        Row.decode(line)


def test_the_columns_are_the_fields() -> None:
    assert COLUMNS[:3] == ("id", "time_ms", "organization")
