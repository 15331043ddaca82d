"""Dollars of a month."""

from __future__ import annotations

from cognitude_plugins.analytics.recommendations.monthly import Saving, monthly


def test_a_month_has_thirty_days() -> None:
    assert monthly(14, 14.0) == 30


def test_the_range_is_of_the_halves_and_has_the_expected_in_it() -> None:
    saving = Saving.of((10, 30), cautious=(5, 20), bold=(10, 30), days=30.0)
    assert (saving.low, saving.month, saving.high) == (10, 40, 60)
    odd = Saving.of((10, 10), cautious=(15, 15), bold=(5, 5), days=30.0)
    assert (odd.low, odd.month, odd.high) == (20, 20, 20)
