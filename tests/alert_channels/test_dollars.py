"""Money as text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.alert_channels.dollars import about_usd, exact_usd, nano_usd


@given(st.integers(-(10**18), 10**18))
def test_exact_dollars_are_exact(nano: int) -> None:
    assert int(Decimal(exact_usd(nano)).scaleb(9)) == nano


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "$0.00"),
        (1, "$0.00000000100"),
        (123_456, "$0.000123"),
        (10_000_000, "$0.01"),
        (1_234_567_890_000, "$1,234.57"),
        (-5_000_000_000, "-$5.00"),
    ],
)
def test_people_see_cents_or_three_digits(nano: int, text: str) -> None:
    assert about_usd(nano) == text


def test_dollars_of_a_metric_are_rounded_to_the_billionth() -> None:
    assert (nano_usd(0.1), nano_usd(1e-12), nano_usd(123.456789012345)) == (10**8, 0, 123_456_789_012)
