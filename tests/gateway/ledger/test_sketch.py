"""The sketch: within 2 % of the exact quantile, and no different for having been merged or stored."""

from __future__ import annotations

from collections import Counter
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.sketch import ALPHA, LAST, bucket, decode, encode, merge, quantile

MICROSECONDS = st.integers(1, 100_000_000_000)
VALUES = st.lists(MICROSECONDS, min_size=1, max_size=200)
BUCKETS = st.dictionaries(st.integers(0, LAST), st.integers(1, 2**60), max_size=100)


@given(VALUES, st.floats(0, 1))
def test_a_quantile_is_within_two_percent_of_the_exact_one(values: list[int], q: float) -> None:
    found = quantile(Counter(map(bucket, values)), q)
    exact = sorted(values)[floor(q * (len(values) - 1))]
    assert found is not None
    assert abs(found - exact) <= ALPHA * exact * 1.000001


@given(VALUES, VALUES)
def test_merging_is_the_same_as_counting_everything_at_once(left: list[int], right: list[int]) -> None:
    merged = dict(Counter(map(bucket, left)))
    merge(merged, Counter(map(bucket, right)))
    assert merged == Counter(map(bucket, left + right))


@given(BUCKETS)
def test_what_is_encoded_is_decoded(buckets: dict[int, int]) -> None:
    assert decode(encode(buckets)) == buckets


def test_most_buckets_take_two_bytes() -> None:
    assert len(encode({bucket(latency): 9 for latency in range(100_000, 900_000, 1000)})) <= 2 * 56 + 1


@pytest.mark.parametrize("microseconds", [-5, 0, 1])
def test_what_took_no_time_counts_in_the_first_bucket(microseconds: int) -> None:
    assert bucket(microseconds) == 0


def test_what_took_too_long_counts_in_the_last_bucket() -> None:
    assert bucket(10**18) == LAST


def test_of_no_values_there_is_no_quantile() -> None:
    assert quantile({}, 0.5) is None


@pytest.mark.parametrize("data", [b"\x80", b"\x01", b"\x01\x01\x02", b"\x01\xff"])
def test_what_is_no_sketch_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="a sketch"):
        decode(data)
