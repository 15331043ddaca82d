"""Savings for people."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.analytics.savings.view import print_savings


def amounts(**values: Any) -> dict[str, Any]:
    names = ("cost", "cache_saved", "coalescing_saved", "routing_saved", "saved")
    return {"calls": 0, "against_baseline": None, **{f"{name}_nano_usd": 0 for name in names}, **values}


DAY = amounts(
    calls=1200, cost_nano_usd=12_340_000_000, cache_saved_nano_usd=1_500_000_000, saved_nano_usd=1_500_000_000
)
AGAINST: dict[str, Any] = {
    "counted_calls": 1200,
    "uncounted_calls": 3,
    "cost_usd": "100.5",
    "paid_usd": "12.34",
    "saved_usd": "88.16",
}
AGAINST["saved_nano_usd"] = 88_160_000_000
FOUND: dict[str, Any] = {
    "start_date": "2026-11-28",
    "end_date": "2026-11-29",
    "time_zone": "UTC",
    "rows_since": None,
    "baseline": "large",
    "days": [{"day": "2026-11-28", **DAY}, {"day": "2026-11-29", **amounts()}],
    "total": {**DAY, "against_baseline": AGAINST},
}
SCREEN = """\
2026-11-28 to 2026-11-29 (UTC)
              CALLS        COST       CACHE   COALESCED     ROUTING       SAVED
2026-11-28     1200      $12.34       $1.50       $0.00       $0.00       $1.50
total          1200      $12.34       $1.50       $0.00       $0.00       $1.50

Against large:
  1200 answers would have cost $100.50 there
  and did cost $12.34: $88.16 saved
  3 answers are not counted: tokens, cost or price are not known
"""


def test_they_are_shown_by_day(capsys: pytest.CaptureFixture[str]) -> None:
    print_savings(FOUND)
    screen = capsys.readouterr().out
    assert screen == SCREEN
    assert max(map(len, screen.splitlines())) <= 80


def test_without_a_baseline_there_is_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    print_savings({**FOUND, "baseline": None, "total": DAY})
    assert "Against" not in capsys.readouterr().out


def test_a_loss_is_more(capsys: pytest.CaptureFixture[str]) -> None:
    against = {**AGAINST, "cost_usd": "10.09", "saved_usd": "-2.25", "saved_nano_usd": -2_250_000_000}
    print_savings({**FOUND, "total": {**DAY, "against_baseline": against}})
    assert "  and did cost $12.34: $2.25 more\n" in capsys.readouterr().out


def test_what_is_not_in_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_savings({**FOUND, "start_date": "2026-10-31", "rows_since": "2026-11-27T00:00:00Z"})
    said = "Days before 2026-11-28 are not in it: single calls are kept since 2026-11-27 00:00 UTC."
    assert capsys.readouterr().out.splitlines()[1] == said
    print_savings({**FOUND, "days": [], "rows_since": "2026-11-30T00:00:00Z"})
    assert capsys.readouterr().out.splitlines()[1].startswith("None of these days is in it: single calls are kept")
