"""Server-sent events: the splitter against the standard's rules, whatever way the bytes are cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hooks.sse import DONE, EventTooLarge, Splitter, data_of, decode, encode, name_of

PIECES = st.sampled_from(
    [
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\n\r\n",
        b"data: a",
        b"data:b",
        b"data",
        b": c",
        b"event: e",
        b"id: 1",
        b"x",
        b":",
    ]
)
STREAMS = st.lists(PIECES, max_size=14).map(b"".join)


def split(stream: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    splitter = Splitter()
    events: list[bytes] = []
    ends = [*sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    start = 0
    for end in ends:
        events += splitter.feed(stream[start:end])
        start = end
    return events, splitter.flush()


def dispatched(stream: bytes) -> list[bytes]:
    """The data of each event by the letter of the WHATWG standard, 9.2.6, one character at a time.

    Not from the standard: an event that the end of the stream cuts off is kept, and so is one with empty data.
    """
    lines: list[bytes] = []
    line, after_cr = b"", False
    for byte in (stream[index : index + 1] for index in range(len(stream))):
        if byte == b"\n" and after_cr:
            after_cr = False
        elif byte in (b"\n", b"\r"):
            lines.append(line)
            line, after_cr = b"", byte == b"\r"
        else:
            line, after_cr = line + byte, False
    events: list[bytes] = []
    data: list[bytes] | None = None
    for one in [*lines, line, b""]:
        if one == b"":
            events += [] if data is None else [b"\n".join(data)]
            data = None
            continue
        field, _, value = one.partition(b":")
        if field == b"data":
            data = [*(data or []), value[1:] if value.startswith(b" ") else value]
    return events


@given(STREAMS, st.lists(st.integers(0, 200), max_size=12))
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", [9, 10, 11])
@example(b"a\r\r\nb", [2, 3])
@example(b"a\n\r\nb", [3])
@example(b"a\r\n\rb", [4])
def test_events_are_the_same_however_the_bytes_are_cut(stream: bytes, cuts: list[int]) -> None:
    whole, rest = split(stream, [])
    assert split(stream, cuts) == (whole, rest)
    assert split(stream, list(range(len(stream)))) == (whole, rest)
    assert b"".join(whole) + rest == stream


@given(STREAMS)
@example(b"data: a\n\rdata: b\n\n")
@example(b"data: a\r\n\rdata: b\r\n\r\n")
@example(b"data: a\r\r\ndata: b\n\n")
@example(b"data\ndata: a\n\n")
def test_the_events_are_those_of_the_standard(stream: bytes) -> None:
    events, rest = split(stream, [])
    values = [data_of(event) for event in [*events, rest]]
    assert [value for value in values if value is not None] == dispatched(stream)


@given(
    st.lists(
        st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1), min_size=1, max_size=6
    )
)
def test_an_event_is_handed_on_as_soon_as_its_blank_line_is_there(texts: list[str]) -> None:
    splitter = Splitter()
    for text in texts:
        event = b"data: " + text.encode() + b"\n\n"
        assert splitter.feed(event) == [event]
        assert not splitter.pending


def test_a_crlf_cut_in_two_makes_neither_a_blank_line_nor_an_empty_event() -> None:
    splitter = Splitter()
    assert splitter.feed(b"data: a\r") == []
    assert splitter.feed(b"\n") == []
    assert splitter.feed(b"data: b\r\n\r") == []
    assert splitter.pending
    assert splitter.feed(b"\ndata: c\r\n\r\n") == [b"data: a\r\ndata: b\r\n\r\n", b"data: c\r\n\r\n"]
    assert splitter.flush() == b""


def test_what_has_no_blank_line_at_the_end_is_left_for_flush_once() -> None:
    splitter = Splitter()
    assert splitter.feed(b"data: a\n\ndata: b") == [b"data: a\n\n"]
    assert (splitter.flush(), splitter.flush()) == (b"data: b", b"")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_event_over_the_limit_is_refused_however_it_comes(size: int) -> None:
    stream = b"data: " + b"x" * 95 + b"\n\n"
    splitter = Splitter(limit=100)
    with pytest.raises(EventTooLarge, match="over 100 bytes"):
        _ = [splitter.feed(stream[start : start + size]) for start in range(0, len(stream), size)]


def test_many_events_together_may_be_larger_than_the_limit_of_one() -> None:
    event = b"data: " + b"x" * 50 + b"\n\n"
    assert Splitter(limit=100).feed(event * 40) == [event] * 40


def test_a_large_event_in_small_pieces_is_searched_only_once() -> None:
    """Without that the four million bytes below are scanned four thousand times: minutes, not milliseconds."""
    splitter = Splitter()
    piece = b"x" * 1000
    for _ in range(4000):
        assert splitter.feed(piece) == []
    assert len(splitter.feed(b"\n\n")[0]) == 4_000_002


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data: a\n\n", b"a"),
        (b"data:a\n\n", b"a"),
        (b"data:  a\n\n", b" a"),
        (b"data: a\ndata: b\n\n", b"a\nb"),
        (b"data: a\r\ndata: b\r\n\r\n", b"a\nb"),
        (b"event: x\rdata: a\r\r", b"a"),
        (b"data\n\n", b""),
        (b"data\ndata: a\n\n", b"\na"),
        (b"data: a", b"a"),
        (b": ping\n\n", None),
        (b"event: x\n\n", None),
        (b"datas: a\n\n", None),
        (b" data: a\n\n", None),
        (b"\n\n", None),
        (b"", None),
    ],
)
def test_the_data_of_one_event(event: bytes, data: bytes | None) -> None:
    assert data_of(event) == data


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (b"event: x\ndata: a\n\n", b"x"),
        (b"data: a\n\n", None),
        (b"event:\ndata: a\n\n", None),
        (b"data: a\nevent: y\n\n", b"y"),
    ],
)
def test_the_name_of_one_event(event: bytes, name: bytes | None) -> None:
    assert name_of(event) == name


@pytest.mark.parametrize(
    "event", [DONE, b": ping\n\n", b"data: oops\n\n", b"data:\n\n", b"data: {\n\n", b"data: \xff\n\n"]
)
def test_what_carries_no_json_decodes_to_nothing(event: bytes) -> None:
    assert decode(event) is None


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=3))
def test_what_was_encoded_is_one_event_and_decodes_to_the_same(value: dict[str, Any]) -> None:
    event = encode(value)
    assert Splitter().feed(event) == [event]
    assert decode(event) == value
    assert decode(encode(value, name=b"delta")) == value
    assert name_of(encode(value, name=b"delta")) == b"delta"
