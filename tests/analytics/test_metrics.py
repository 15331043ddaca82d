"""Metrics of the operator's own: right, and never long."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.metrics import NAMES, Metric, metric_value, named_sums
from hooks import Sums

SUMS = Sums(
    group={},
    calls=200,
    errors=4,
    hits=50,
    prompt_tokens=3000,
    completion_tokens=1000,
    cost_nano_usd=2_500_000_000,
    saved_nano_usd=500_000_000,
    seconds=(0.5, 1.0, 4.0),
)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("cost_usd / calls", 0.0125),
        ("p99 / p50", 8),
        ("round(100 * errors / calls, 1)", 2.0),
        ("max(hits, errors) - min(hits, errors)", 46),
        ("-saved_usd + cost_usd", 2.0),
        ("calls // 7 % 5", 3),
        ("total_tokens ** 0.5", math.sqrt(4000)),
        ("error_rate + hit_rate", 0.27),
        (" 1 ", 1),
        ("-(2 ** 3) ** 2 + calls ** 1 ** 2", 136),
        ("round(calls, -2) + round(2.5)", 202),
        ("round(calls, -999999999)", 0),
    ],
)
def test_a_metric_is_arithmetic_over_sums(expression: str, value: float) -> None:
    assert metric_value(expression, SUMS) == pytest.approx(value)


@pytest.mark.parametrize(
    "expression",
    [
        "calls / (hits - 50)",
        "calls % 0",
        "9.0 ** 9 ** 9",
        "(0 - 8) ** 0.5",
        "1e308 * 10",
        "round(calls, 0.5)",
        "min(1)",
        "min + 1",
        "round(2, 9 ** 9)",
    ],
)
def test_what_has_no_value_is_none(expression: str) -> None:
    assert metric_value(expression, SUMS) is None


def test_what_reads_what_is_not_known_is_none() -> None:
    nothing = Sums(group={})
    assert metric_value("p95 + 1", nothing) is None
    assert metric_value("error_rate", nothing) is None
    assert metric_value("calls + 1", nothing) == 1
    assert set(named_sums(nothing)) == set(NAMES)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("cost_us / calls", "'cost_us' at character 1 is not known; the nearest is 'cost_usd'"),
        ("calls + xyzzy", "'xyzzy' at character 9 is not known: there are calls"),
        ("calls + * 2", "cannot be read at character 9"),
        ("calls; errors", "cannot be read"),
        ("'a' * 9", "'a' at character 1 is no number"),
        ("True + 1", "True at character 1 is no number"),
        ("calls.real", "attribute at character 1 is not allowed"),
        ("calls[0]", "subscript at character 1 is not allowed"),
        ("calls if hits else 1", "ifexp at character 1 is not allowed"),
        ("calls > 1", "compare at character 1 is not allowed"),
        ("[1][0]", "is not allowed"),
        ("1 << 9", "lshift is not allowed"),
        ("open(calls)", "what is called at character 1 is not one of min, max, round"),
        ("min()", "what is called at character 1"),
        ("round(calls, ndigits=1)", "what is called at character 1"),
        ("(lambda: 1)()", "what is called at character 1"),
        ("power(calls, 2)", "what is called at character 1"),
        ("calls + power", "'power' at character 9 is not known"),
        ("", "cannot be read"),
        ("-" * 40 + "1", "nested deeper than 32"),
        ("(" * 300 + "1" + ")" * 300, "at most 500 characters"),
        ("(" * 240 + "1" + ")" * 240, "cannot be read"),
    ],
)
def test_what_is_no_metric_is_told_where(expression: str, said: str) -> None:
    with pytest.raises(ValueError) as error:
        Metric(expression)
    assert said in str(error.value)


@given(st.text(alphabet="calshit0123456789.+-*/%() ,_pe", max_size=60))
def test_whatever_is_written_is_refused_or_has_a_value_or_none(text: str) -> None:
    try:
        value = metric_value(text, SUMS)
    except ValueError:
        return
    assert value is None or math.isfinite(value)
