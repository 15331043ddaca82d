"""The usage of a stream: read, and taken out for a client that did not ask, however the bytes are cut."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.codec import CODEC
from cognitude_plugins.gateway.usage_filter import UsageFilter
from hooks import Usage

USAGE = {"prompt_tokens": 9, "completion_tokens": 3}
DELTA = {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}
BODIES = st.sampled_from(
    [
        DELTA,
        {**DELTA, "usage": None},
        {"usage": None, **DELTA},
        {"choices": [], "usage": USAGE},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": None}], "usage": USAGE},
        {**DELTA, "usage": USAGE},
        {"choices": [{"delta": {"content": 'say "usage":null, or ,"usage":null'}}]},
        {"choices": [], "usage": {}},
        {"choices": [], "usage": {"prompt_tokens": -5, "completion_tokens": 5}},
        {**DELTA, "usage": {"prompt_tokens": 9}},
        {"error": {"message": "no"}},
        [1],
    ]
)
ENDS = st.sampled_from(["\n\n", "\r\n\r\n", "\r\r"])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    parts = []
    for body in draw(st.lists(BODIES, max_size=6)):
        separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
        field = draw(st.sampled_from(["data: ", "data:", "event: x\ndata: ", ": comment\ndata: "]))
        parts.append(field + json.dumps(body, separators=separators) + draw(ENDS))
    end = draw(st.sampled_from(["data: [DONE]\n\n", "", 'data: {"choices":[],"usage":null}', ": ping\n\n"]))
    return "".join([*parts, end]).encode()


def whole_events(raw: bytes) -> list[bytes]:
    return [part for part in re.split(rb"(?<=\n\n)|(?<=\r\n\r\n)|(?<=\r\r)", raw) if part]


def expected(raw: bytes, strip: bool) -> tuple[bytes, Usage | None]:
    """The same on whole events, one at a time."""
    out, usage = b"", None
    for event in whole_events(raw):
        data = b"".join(re.findall(rb"^data: ?(.*?)\r?$", event.replace(b"\r", b"\n"), re.MULTILINE))
        try:
            value: Any = json.loads(data)
        except ValueError:
            value = None
        found = isinstance(value, dict) and value.get("usage")
        usage = Usage.of(value) if found else usage
        if strip and found and not any(one.get("delta") for one in value.get("choices", [])):
            continue
        out += re.sub(rb',"usage":null|, "usage": null', b"", event) if strip else event
    return out, usage


@given(streams(), st.booleans(), st.data())
def test_the_cuts_make_no_difference(raw: bytes, strip: bool, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=8)))
    filtering = UsageFilter(CODEC, strip=strip)
    places = [0, *cuts, len(raw)]
    out = b"".join(filtering.feed(raw[start:end]) for start, end in pairwise(places))
    out += filtering.flush()
    wanted, usage = expected(raw, strip)
    assert out == wanted
    assert filtering.usage == usage


def test_a_chunk_without_usage_is_handed_on_as_it_is() -> None:
    chunk = b'data: {"choices":[]}\n\ndata: {"x":1}\n\n'
    assert UsageFilter(CODEC, strip=True).feed(chunk) is chunk


@pytest.mark.parametrize("text", ['{"x":1,"usage":null}', '{"x":1, "usage": null}'])
def test_a_null_is_taken_out_only_for_who_did_not_ask(text: str) -> None:
    event = f"data: {text}\n\n".encode()
    assert UsageFilter(CODEC, strip=False).feed(event) == event
    assert UsageFilter(CODEC, strip=True).feed(event) == b'data: {"x":1}\n\n'


def test_the_last_usage_stands_and_one_in_an_event_with_choices_is_kept() -> None:
    filtering = UsageFilter(CODEC, strip=True)
    for tokens in (1, 2):
        body = {**DELTA, "usage": {"prompt_tokens": 9, "completion_tokens": tokens}}
        event = b"data: " + json.dumps(body).encode() + b"\n\n"
        assert filtering.feed(event) == event
    assert filtering.usage is not None
    assert filtering.usage.completion_tokens == 2


@pytest.mark.parametrize("strip", [False, True])
def test_what_anthropic_says_of_the_prompt_at_the_beginning_is_kept(strip: bool) -> None:
    filtering = UsageFilter(CODEC, strip=strip)
    first = {"input_tokens": 4, "cache_read_input_tokens": 8, "output_tokens": 1}
    for body in (
        {"type": "message_start", "message": {"usage": first}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
    ):
        event = b"event: x\ndata: " + json.dumps(body).encode() + b"\n\n"
        assert filtering.feed(event) == event
    assert filtering.usage == Usage(prompt_tokens=12, completion_tokens=7, cached_tokens=8)


@pytest.mark.parametrize(
    ("first", "last", "usage"),
    [
        ({"input_tokens": 4}, {"input_tokens": 0, "output_tokens": 7}, Usage(prompt_tokens=4, completion_tokens=7)),
        ({"input_tokens": 0}, {"input_tokens": 4, "output_tokens": 7}, Usage(prompt_tokens=4, completion_tokens=7)),
        ({}, {"output_tokens": 7}, None),
        ({"input_tokens": 4}, {"output_tokens": -7}, None),
    ],
    ids=["only first", "only last", "neither", "wrong"],
)
def test_of_an_anthropic_stream_what_is_told_at_either_end_counts(
    first: dict[str, int], last: dict[str, int], usage: Usage | None
) -> None:
    filtering = UsageFilter(CODEC, strip=False)
    message = {"type": "message", "content": [], "usage": {**first, "output_tokens": 1}}
    for body in ({"type": "message_start", "message": message}, {"type": "message_delta", "delta": {}, "usage": last}):
        filtering.feed(b"event: x\ndata: " + json.dumps(body).encode() + b"\n\n")
    assert filtering.usage == usage


def test_a_last_usage_that_is_wrong_leaves_none() -> None:
    filtering = UsageFilter(CODEC, strip=True)
    for count in (0, -5):
        body = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": count}}
        assert filtering.feed(b"data: " + json.dumps(body).encode() + b"\n\n") == b""
    assert filtering.usage is None
