"""Spans put in order, and the promise of every detector: time linear in the text, whatever the text."""

from __future__ import annotations

from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.redact.custom import custom
from cognitude_plugins.redact.emails import emails
from cognitude_plugins.redact.ibans import ibans
from cognitude_plugins.redact.keys import keys
from cognitude_plugins.redact.numbers import cards, phones
from cognitude_plugins.redact.span import Detector, Span, merged

SPANS = st.builds(lambda start, length: Span(start, start + length, "X"), st.integers(0, 40), st.integers(1, 9))


@given(st.lists(SPANS))
def test_merged_spans_cover_the_same_places_and_do_not_overlap(spans: list[Span]) -> None:
    joined = merged(spans)
    assert {place for span in joined for place in range(*span[:2])} == {
        place for span in spans for place in range(*span[:2])
    }
    assert all(one.end <= other.start for one, other in pairwise(joined))


def test_an_overlap_has_the_kind_of_what_begins_first() -> None:
    assert merged([Span(3, 9, "B"), Span(0, 5, "A"), Span(9, 10, "C")]) == [Span(0, 9, "A"), Span(9, 10, "C")]


DETECTORS: dict[str, tuple[Detector, list[str]]] = {
    "emails": (emails, ["a", "@", "a@", "a@b.", "@b.1", "a.", "a@a.1.1", "é@", "你", "a@a.a", "\\n@"]),
    "cards": (cards, ["4", "4 ", "41-", "6 ", "65 0 ", "4111111111111112 ", "12345678901 2"]),
    "phones": (phones, ["+", "+1", "+1 ", "(123) ", "123-", "123-456-"]),
    "ibans": (ibans, ["DE1", "GB82", "GB82 ", "GB82WEST1234569876543"]),
    "keys": (
        keys,
        [
            "sk-",
            "sk-a ",
            "-sk-aaaaaaaaaaaaaaaaaaa ",
            "eyJ",
            "eyJaaaaaaaaaa.",
            "eyJaaaaaaaaaa-",
            ".eyJ",
            "xoxb-",
            "SG.aaaaaaaaaaaaaaaaaaaa",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----a-",
            "-----BEGIN PRIVATE KEY ",
        ],
    ),
    "custom": (custom("X", "[a-z]{1,5}(?:ab|[x-z]){1,2}!"), ["a", "ab", "abcdxz", "x"]),
}


def seconds(detector: Detector, text: str) -> float:
    """Processor time, the least of three: what else runs on the machine counts for little."""
    times = []
    for _ in range(3):
        started = process_time()
        for _ in detector(text):
            pass
        times.append(process_time() - started)
    return min(times)


@pytest.mark.parametrize("name", DETECTORS)
def test_time_grows_with_the_text_and_not_faster(name: str) -> None:
    detector, pieces = DETECTORS[name]
    for piece in [*pieces, *(one + other for one, other in pairwise(pieces))]:
        short, long = (piece * (size // len(piece)) for size in (16_384, 65_536))
        # Quadratic time would be 16 times as long. The constant is for texts that take next to no time.
        assert seconds(detector, long) < 9 * seconds(detector, short) + 0.004, piece
