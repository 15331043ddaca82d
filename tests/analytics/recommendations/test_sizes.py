"""Classes of lengths."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.recommendations.sizes import end_of, size_of


@given(st.integers(0, 200_000))
def test_every_length_is_in_the_class_that_ends_behind_it(tokens: int) -> None:
    size = size_of(tokens)
    assert tokens < end_of(size)
    assert size == 0 or tokens >= end_of(size - 1)


@given(st.integers(256, 150_000))
def test_classes_are_narrow(tokens: int) -> None:
    size = size_of(tokens)
    assert end_of(size) - end_of(size - 1) <= 0.26 * tokens
