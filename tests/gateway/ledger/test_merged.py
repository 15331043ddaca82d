"""Many encoded sketches at once: what one after the other comes to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.merged import BETWEEN, add, move, no_counts, quantiles
from cognitude_plugins.gateway.ledger.sketch import LAST, decode, encode, merge, quantile

SKETCHES = st.lists(
    st.dictionaries(
        st.integers(0, LAST), st.one_of(st.integers(1, 300), st.sampled_from((127, 128, 16_384, 2**40))), max_size=30
    ),
    max_size=6,
)


@given(SKETCHES, st.lists(st.floats(0, 1), max_size=3))
def test_they_come_to_what_one_after_the_other_does(sketches: list[dict[int, int]], wanted: list[float]) -> None:
    counts, expected = no_counts(), dict[int, int]()
    add(BETWEEN.join(map(encode, sketches)), counts)
    for one in sketches:
        merge(expected, decode(encode(one)))
    assert {index: count for index, count in enumerate(counts) if count} == expected
    assert quantiles(counts, wanted) == (tuple(quantile(expected, one) for one in wanted) if expected else ())


@given(SKETCHES)
def test_what_is_moved_is_taken_from_where_it_was(sketches: list[dict[int, int]]) -> None:
    encoded = BETWEEN.join(map(encode, sketches))
    before, after = no_counts(), no_counts()
    add(encoded, before)
    expected = list(before)
    move(encoded, before, after)
    assert not any(before)
    assert after == expected


@given(SKETCHES)
def test_nothing_in_a_sketch_looks_like_what_is_between(sketches: list[dict[int, int]]) -> None:
    assert all(BETWEEN not in encode(one) for one in sketches)
