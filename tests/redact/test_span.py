"""Spans put in order."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.redact.span import Span, merged

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
