"""Many encoded sketches at once: what one after the other comes to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.merged import BETWEEN, Counts
from cognitude_plugins.gateway.ledger.sketch import LAST, decode, encode, merge, middle, quantile

SKETCHES = st.lists(
    st.dictionaries(
        st.integers(0, LAST), st.one_of(st.integers(1, 300), st.sampled_from((127, 128, 16_384, 2**40))), max_size=30
    ),
    max_size=6,
)


@given(SKETCHES, st.lists(st.floats(0, 1), max_size=3))
def test_they_come_to_what_one_after_the_other_does(sketches: list[dict[int, int]], wanted: list[float]) -> None:
    counts, expected = Counts(), dict[int, int]()
    counts.add(BETWEEN.join(map(encode, sketches)))
    for one in sketches:
        merge(expected, decode(encode(one)))
    assert as_buckets(counts) == expected
    assert counts.quantiles(wanted) == (tuple(quantile(expected, one) for one in wanted) if expected else ())


@given(SKETCHES, SKETCHES)
def test_what_is_moved_is_taken_from_where_it_was(sketches: list[dict[int, int]], more: list[dict[int, int]]) -> None:
    moved, rest = (BETWEEN.join(map(encode, several)) for several in (sketches, more))
    before, after, expected, left = Counts(), Counts(), Counts(), Counts()
    # Taken out before it was put in, too: sums come in any order.
    after.add(moved, out_of=before)
    before.add(moved)
    before.add(rest)
    expected.add(moved)
    left.add(rest)
    assert (as_buckets(after), as_buckets(before)) == (as_buckets(expected), as_buckets(left))
    assert before.quantiles((0.0, 0.5, 1.0)) == left.quantiles((0.0, 0.5, 1.0))


@given(st.lists(SKETCHES, max_size=4))
def test_together_they_are_what_all_sketches_come_to(several: list[list[dict[int, int]]]) -> None:
    found, all_of_them = [], Counts()
    for sketches in several:
        found.append(Counts())
        for into in (found[-1], all_of_them):
            into.add(BETWEEN.join(map(encode, sketches)))
    together = Counts.together(found)
    assert as_buckets(together) == as_buckets(all_of_them)
    assert together.quantiles((0.1, 0.9)) == all_of_them.quantiles((0.1, 0.9))


def test_single_calls_count_as_well() -> None:
    counts = Counts()
    for bucket, number in ((7, 2), (500, 1), (9, 1), (9, -1)):
        counts.count(bucket, number)
    assert as_buckets(counts) == {7: 2, 500: 1}
    assert counts.quantiles((0.5, 1.0)) == (middle(7), middle(500))


def as_buckets(counts: Counts) -> dict[int, int]:
    assert not any(counts.of[: counts.low])
    assert not any(counts.of[counts.high :])
    return {index: count for index, count in enumerate(counts.of) if count}


@given(SKETCHES)
def test_nothing_in_a_sketch_looks_like_what_is_between(sketches: list[dict[int, int]]) -> None:
    assert all(BETWEEN not in encode(one) for one in sketches)
