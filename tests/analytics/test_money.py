"""Nano-dollars as text and back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.money import nano_usd, rounded, usd


@given(st.integers(min_value=0, max_value=10**20))
def test_dollars_as_text_are_exact(nano: int) -> None:
    assert nano_usd(Decimal(usd(nano))) == nano


@pytest.mark.parametrize(
    ("exact", "shown"),
    [("0", "0.00"), ("1234.567", "1,234.57"), ("0.000123456", "0.000123"), ("0.99999", "1.000"), ("1", "1.00")],
)
def test_people_get_cents_or_three_digits(exact: str, shown: str) -> None:
    assert rounded(exact) == shown
