from __future__ import annotations

import json
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.counting import completion_tokens, prepare
from cognitude_plugins.gateway.ledger.sample import KEPT_BYTES, Sample
from hooks.sse import DONE

WORDS = [" the", " quick", " brown", " fox", " jumps", " over", " a", " lazy", " dog", "."]


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    prepare()


def event(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"


def test_what_was_relayed_is_counted_and_nothing_else() -> None:
    sample = Sample()
    assert sample.completion_tokens("gpt-4o") == 0
    for sent in range(1, 60):
        sample.add(event(WORDS[sent % 10]))
        assert sample.completion_tokens("gpt-4o") == sent
    sample.add(b'data: {"choices":[],"usage":null}\n\n')
    sample.add(DONE)
    assert sample.completion_tokens("gpt-4o") == 59


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), max_size=20), st.data())
def test_the_cuts_make_no_difference_and_a_half_event_was_not_sent(texts: list[str], data: st.DataObject) -> None:
    events = [event(text) for text in texts]
    raw = b"".join(events)
    end = data.draw(st.integers(0, len(raw)))
    places = [0, *sorted(data.draw(st.sets(st.integers(0, end), max_size=6))), end]
    sample = Sample()
    for start, stop in pairwise(places):
        sample.add(raw[start:stop])
    whole = next((n for n in range(len(events), 0, -1) if sum(map(len, events[:n])) <= end), 0)
    assert sample.text() == ("".join(texts[:whole]), 1.0)
    assert sample.total == end


def test_beyond_the_bound_the_count_is_scaled_up_by_bytes() -> None:
    sample = Sample()
    number = 40_000
    for index in range(number):
        sample.add(event(WORDS[index % 10]))
    assert sample.total > 8 * KEPT_BYTES
    assert sum(map(len, sample._chunks)) == KEPT_BYTES
    assert abs(sample.completion_tokens("gpt-4o") / number - 1) < 0.01


def test_the_bound_may_fall_anywhere_in_an_event() -> None:
    size = len(event(" fox"))
    for keep in range(3 * size, 4 * size + 2):
        sample = Sample(keep)
        for _ in range(100):
            sample.add(event(" fox"))
        assert sample.completion_tokens("gpt-4o") == 100
        exactly_full = Sample(keep)
        exactly_full.add(event(" fox") * 5)
        assert exactly_full.completion_tokens("gpt-4o") == 5


def test_one_event_longer_than_what_is_kept_is_counted_rather_than_nothing() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 20_000
    sample = Sample()
    sample.add(event(text))
    exact = completion_tokens(text, "gpt-4o")
    assert exact <= sample.completion_tokens("gpt-4o") < exact * 1.1


def test_bytes_that_are_no_events_count_as_nothing() -> None:
    sample = Sample()
    for chunk in (b"", b"\n\n", b"data: {\n\n", b": ping\n\n", b"\xff\xfe\n\n", b"half"):
        sample.add(chunk)
    assert sample.completion_tokens("gpt-4o") == 0
    assert sample.text() == ("", 1.0)


def test_adding_a_chunk_costs_next_to_nothing() -> None:
    best = 1.0
    for _ in range(5):
        add = Sample().add
        chunk = event(" fox")
        began = time.process_time()
        for _ in range(20_000):
            add(chunk)
        best = min(best, (time.process_time() - began) / 20_000)
    assert best < 1e-6


def test_counting_a_full_sample_takes_some_milliseconds() -> None:
    sample = Sample()
    for _ in range(5_000):
        sample.add(event(" fox"))
    best = 1.0
    for _ in range(3):
        began = time.process_time()
        sample.completion_tokens("gpt-4o")
        best = min(best, time.process_time() - began)
    assert best < 0.05
