"""How far a budget is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alert_channels.budgets.made import budget, standing


@pytest.mark.parametrize(
    ("usd", "percent", "left", "state"),
    [
        (0, "0.0", 100, "ok"),
        (49.99, "49.9", 50.01, "ok"),
        (50, "50.0", 50, "warned"),
        (99.999, "99.9", 0.001, "warned"),
        (100, "100.0", 0, "exceeded"),
        (130, "130.0", 0, "exceeded"),
    ],
)
def test_it_says_what_is_spent_and_left(usd: float, percent: str, left: float, state: str) -> None:
    found = standing(usd)
    assert (str(found.percent), found.left, found.state) == (percent, round(left * 1e9), state)


def test_what_is_not_known_is_said() -> None:
    found = standing(None)
    assert (found.percent, found.left, found.state, found.crossed) == (None, None, "unknown", ())
    assert standing(200, budget(enabled=False)).state == "disabled"


@given(st.integers(0, 10**13), st.integers(1, 10**12), st.sets(st.integers(1, 1000), max_size=10))
def test_a_threshold_counts_as_reached_when_the_percent_says_so(spent: int, nano: int, at: Any) -> None:
    found = standing(0, budget(amount=Decimal(nano).scaleb(-9), thresholds=sorted(at)))
    found = type(found)(share=found.share, zone="UTC", period=found.period, spent=spent)
    assert found.percent is not None
    assert [one.percent for one in found.crossed] == [one for one in sorted(at) if found.percent >= one]
