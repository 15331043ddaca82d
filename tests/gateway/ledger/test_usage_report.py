"""Dollars, exact and without more digits than it takes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.usage_report import usd


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (10**9, "1"),
        (1_230_000_000, "1.23"),
        (100 * 10**9, "100"),
        (-5, "-0.000000005"),
    ],
)
def test_dollars(nano: int, text: str) -> None:
    assert usd(nano) == text


@given(st.integers(-(2**63), 2**63))
def test_nothing_is_rounded(nano: int) -> None:
    assert Decimal(usd(nano)) * 10**9 == nano
