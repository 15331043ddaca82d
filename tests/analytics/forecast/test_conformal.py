"""Quantiles of a table and of own errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.forecast.conformal import Own, Table, quantiles

AT = (0.1, 0.5, 0.9)
TABLE = Table(
    probabilities=AT,
    history=(3, 12),
    ahead=(1, 4),
    quantiles=(((-4.0, 0.0, 4.0), (-8.0, 0.0, 8.0)), ((-2.0, 0.0, 2.0), (-4.0, 0.0, 4.0))),
)


def test_between_the_places_of_the_table_it_goes_by_logarithms() -> None:
    assert TABLE.row(3, 1) == (-4, 0, 4)
    assert TABLE.row(6, 2) == pytest.approx((-4.5, 0, 4.5))
    assert TABLE.row(1, 0.25) == TABLE.row(3, 1)
    assert TABLE.row(500, 500) == TABLE.row(12, 4)


def test_without_own_errors_they_are_the_tables() -> None:
    assert quantiles((-2.0, 0.0, 2.0), AT, Own(), (0.1, 0.7, 0.9)) == pytest.approx((-2, 1, 2))


def test_own_errors_take_over_with_their_weight() -> None:
    errors = tuple(one / 10 - 5 for one in range(101))
    light = quantiles((-1.0, 0.0, 1.0), AT, Own(errors=errors, weight=1), (0.1, 0.9))
    heavy = quantiles((-1.0, 0.0, 1.0), AT, Own(errors=errors, weight=1e6), (0.1, 0.9))
    assert heavy == pytest.approx((-4, 4), abs=0.05)
    assert -1.5 < light[0] < -0.9


@given(st.lists(st.floats(-9, 9), max_size=20), st.floats(0.1, 50), st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_higher_ones_are_not_lower(errors: list[float], weight: float, wanted: list[float]) -> None:
    own = Own(errors=tuple(sorted(errors)), weight=weight)
    found = quantiles((-1.0, 0.0, 3.0), AT, own, sorted(wanted))
    assert list(found) == sorted(found)
