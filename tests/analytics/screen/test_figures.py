"""Numbers as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.screen.figures import about_usd, change, count, exact_usd, seconds, share, span


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (12_345, "12,345"),
        (2.5, "2.5"),
        (123_456, "123 k"),
        (999_999, "1,000 k"),
        (1_234_567, "1.23 M"),
        (2e13, "20 T"),
        (-3, "-3"),
    ],
)
def test_counts(number: float, shown: str) -> None:
    assert count(number) == shown


@pytest.mark.parametrize(
    ("part", "shown"), [(None, "-"), (0, "0.0 %"), (0.0001, "<0.1 %"), (0.123, "12.3 %"), (1, "100.0 %")]
)
def test_shares(part: float | None, shown: str) -> None:
    assert share(part) == shown


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [(0, 0, "-"), (1, 0, "new"), (3, 2, "+50 %"), (1, 2, "-50 %"), (2, 2, "+0 %"), (90, 2, "+4,400 %")],
)
def test_changes(now: float, before: float, shown: str) -> None:
    assert change(now, before) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0, "0 s"),
        (0.00081, "0.8 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.00 s"),
        (1.236, "1.24 s"),
        (12.34, "12.3 s"),
        (1234, "1,234 s"),
    ],
)
def test_seconds(value: float | None, shown: str) -> None:
    assert seconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 s"), (0.9, "0 s"), (7, "7 s"), (60, "1 min"), (725, "12 min 5 s"), (3605, "1 h"), (273_600, "3 d 4 h")],
)
def test_spans(value: float, shown: str) -> None:
    assert span(value) == shown


@given(st.integers(-(2**63), 2**63))
def test_a_sum_of_money_is_exact(nano: int) -> None:
    number, unit = exact_usd(nano).split(" ")
    assert unit == "USD"
    assert Decimal(number) * 10**9 == nano


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (0, "$0"),
        (1, "$0.000000001"),
        (123_456, "$0.00012"),
        (999_600_000, "$1.00"),
        (1_234_567_890_000, "$1,234.57"),
        (-1_500_000_000, "-$1.50"),
    ],
)
def test_money_that_is_not_a_sum_is_short(nano: int, shown: str) -> None:
    assert about_usd(nano) == shown
