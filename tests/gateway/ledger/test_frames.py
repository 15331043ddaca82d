"""A record as a line: only what was framed comes back."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.frames import LONGEST_RECORD, frame, salvage, unframe

records = st.binary(min_size=1, max_size=60).map(lambda data: data.replace(b"\n", b" "))


def test_a_line_can_be_read_without_a_tool() -> None:
    assert frame(b'{"id":"a"}') == b'9aa4e643 {"id":"a"}\n'


@given(records)
def test_what_was_framed_comes_back(record: bytes) -> None:
    assert unframe(frame(record)[:-1]) == record


@given(records, st.data())
def test_a_changed_byte_is_noticed(record: bytes, data: st.DataObject) -> None:
    line = bytearray(frame(record)[:-1])
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] ^= data.draw(st.integers(1, 255))
    assert unframe(bytes(line)) is None


@given(st.binary(max_size=60))
def test_what_was_never_framed_is_no_record(line: bytes) -> None:
    assert unframe(line) is None or frame(line[9:])[:-1] == line


@pytest.mark.parametrize("line", [b'9AA4E643 {"id":"a"}', b' 9aa4e643 {"id":"a"}', b"0x7d31af {}", b""])
def test_there_is_one_spelling(line: bytes) -> None:
    assert unframe(line) is None


@given(st.binary(max_size=60), records)
def test_a_record_is_found_behind_the_rest_of_another(before: bytes, record: bytes) -> None:
    assert salvage(before + frame(record)[:-1]) == record


def test_looking_for_a_record_in_garbage_takes_bounded_time() -> None:
    """Every ninth byte begins something that looks like a frame, each as long as the rest."""
    start = time.perf_counter()
    assert salvage(b"00000000 " * 300_000) is None
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("record", [b"", b"two\nlines", b"x" * (LONGEST_RECORD + 1)])
def test_what_could_not_be_read_back_is_not_framed(record: bytes) -> None:
    with pytest.raises(ValueError, match="one line of"):
        frame(record)
