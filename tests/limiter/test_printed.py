"""Tables for a terminal of 80 columns, whatever the limits are called."""

from __future__ import annotations

import time
from typing import Any

import pytest

from cognitude_plugins.limiter.printed import print_config, print_usage


def usage(**values: Any) -> dict[str, Any]:
    one = {
        "scope": "organization",
        "subject": "acme",
        "unit": "requests",
        "per": "minute",
        "window": "sliding",
        "models": None,
        "limit": 100,
        "used": 3,
        "remaining": 97,
        "reset": int(time.time()) + 10_000,
        "origin": "configuration",
    }
    return {"limits": [{**one, **values}]}


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    "values",
    [
        {"subject": "x" * 300},
        {"models": ["gpt-*"] * 60},
        {"unit": "tokens", "limit": 10**12, "used": 10**12, "remaining": 123_456_789_012},
        {"unit": "cost_usd", "limit": 999999.123456789, "used": 999999.123456789, "remaining": 0},
    ],
)
def test_no_line_is_longer_than_80_columns(values: Any, capsys: pytest.CaptureFixture[str]) -> None:
    print_usage(usage(**values))
    print_config({"limits": [{**usage(**values)["limits"][0], "key": "k" * 128, "burst": 10**12, "window": "bucket"}]})
    assert all(len(line) <= 80 for line in lines(capsys))


def test_a_name_cannot_change_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_usage(usage(scope="user", subject="a\x1b[31m\nb\u202e"))
    text = lines(capsys)
    assert len(text) == 2
    assert text[1].startswith("user a?[31m?b?: 100 requests per minute")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "in 0 s"), (-50, "in 0 s"), (59, "in 5"), (125, "in 2 min"), (7300, "in 2 h 1 min"), (180_100, "in 2 d 2 h")],
)
def test_a_reset_is_said_in_its_two_largest_units(seconds: int, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_usage(usage(reset=int(time.time()) + seconds))
    assert shown in lines(capsys)[1]


@pytest.mark.parametrize(
    ("unit", "used", "shown"),
    [
        ("requests", 999_999, " 999999 "),
        ("requests", 1_234_567, " 1.2M "),
        ("tokens", 2 * 10**12, " 2.0T "),
        ("cost_usd", 0.12345, " 0.1235 "),
        ("cost_usd", 25, " 25.0000 "),
    ],
)
def test_amounts_are_short(unit: str, used: float, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_usage(usage(unit=unit, used=used))
    assert shown in lines(capsys)[1]


def test_without_limits_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_usage({"limits": []})
    print_config({"limits": []})
    assert lines(capsys) == ["There are no limits."] * 2


def test_a_budget_is_named_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    one = {"scope": "tag", "subject": "team=a", "unit": "cost_usd", "limit": 500, "used": 1.25, "remaining": 498.75}
    print_usage(usage(**one, per="total", reset=None, budget="search", origin="budget"))
    assert lines(capsys)[1].split() == [
        "budget",
        "search",
        "of",
        "tag",
        "team=a:",
        "500",
        "USD",
        "in",
        "all",
        "1.2500",
        "498.7500",
        "-",
    ]
