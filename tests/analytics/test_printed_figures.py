"""Figures for people: short, and never wider than the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.printed_figures import WIDTH, count, dollars, percent, plain, seconds, signed, table


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (9999, "9999"),
        (10000, "10.0k"),
        (123456, "123k"),
        (999499, "999k"),
        (999999, "1.00M"),
        (12345678, "12.3M"),
        (2500000000, "2.50G"),
        (3 * 10**12, "3.00T"),
        (-20000, "-20.0k"),
    ],
)
def test_counts_have_three_digits(number: int, text: str) -> None:
    assert count(number) == text


def test_money_rates_and_seconds() -> None:
    assert [dollars(one) for one in ("0", "0.000123456", "12.345", "1234567.8", "-0.5")] == [
        *("0.00", "0.000123", "12.34", "1,234,567.80", "-0.500"),
    ]
    assert (percent(0.1234), percent(None)) == ("12.3", "-")
    assert (seconds(0.5), seconds(12.34), seconds(None)) == ("0.500", "12.3", "-")
    assert (signed(0.5), signed(-0.021), signed(None)) == ("+50.0 %", "-2.1 %", "-")


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert plain("a\x1b[31m\n") == "a?[31m?"
    assert plain("") == "-"


@given(st.lists(st.text(max_size=90), min_size=1, max_size=4), st.integers(1, 2))
def test_a_table_is_as_narrow_as_the_terminal(names: list[str], texts: int) -> None:
    headings = [*["NAME", "OTHER"][:texts], "CALLS", "USD"]
    rows = [[plain(name)] * texts + ["123k", "12.34"] for name in names]
    assert all(len(line) <= WIDTH for line in table(headings, rows, texts))
