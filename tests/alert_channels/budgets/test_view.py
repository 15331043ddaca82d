"""Budgets in a terminal of 80 columns."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.alert_channels.budgets.shown import shown
from cognitude_plugins.alert_channels.budgets.view import print_budgets
from tests.alert_channels.budgets.made import NOW, USD, budget, standing


def body(usd: float | None, one: Any = None, warning: str | None = None, **changed: Any) -> Any:
    found = standing(usd, one, **changed)
    return shown(found.share.owned, found, writable=True, warning=warning).model_dump(mode="json")


def lines(capsys: pytest.CaptureFixture[str], *found: Any) -> list[str]:
    print_budgets(found)
    said = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in said if not line.startswith(("Warning", "all")))
    return said


def test_each_budget_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    tagged = budget("night", 20, "day", scope="tag", value="job=nightly", hard=True)
    said = lines(capsys, body(60), body(25, tagged))
    assert len(said) == 3
    assert said[2].startswith("night: tag job=nightly per day  ")
    assert said[2].endswith("  exceeded, hard")


def test_the_columns_are_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    said = lines(capsys, body(60, forecast=75 * USD))
    assert said[0].split() == ["BUDGET", "SPENT", "AMOUNT", "%", "FORECAST", "STATE"]
    assert said[1].split() == ["all:", "acme", "per", "month", "$60.00", "$100.00", "60", "$75.00", "warned"]


def test_long_names_are_cut_and_what_cannot_be_printed_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    found = body(1, budget("x" * 60, scope="user", value="a\x1b[31m"))
    said = lines(capsys, found)
    assert "\x1b" not in "".join(said)
    assert "…" in said[1]


def test_what_is_to_be_known_of_them_is_below(capsys: pytest.CaptureFixture[str]) -> None:
    soon = body(60, forecast=120 * USD, exhausted_on=NOW.date())
    said = lines(capsys, soon, body(None, why="too long ago"), body(1, warning="nobody holds it"))
    assert said[-3:] == [
        "all will be used up on 2026-11-29.",
        "all: too long ago",
        "Warning: nobody holds it",
    ]
    assert said[2].split()[-5:] == ["-", "$100.00", "-", "-", "unknown"]


def test_without_budgets_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys) == ["There are no budgets."]
