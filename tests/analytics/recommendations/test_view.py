"""Recommendations for people."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.analytics.recommendations.view import print_recommendations

CACHE: dict[str, Any] = {
    "kind": "cache_opportunity",
    "summary": "4120 calls asked what had been answered before; mostly no cache was asked.",
    "saving_nano_usd": 1_234_567_890_123,
    "low_nano_usd": 900_000_000_000,
    "high_nano_usd": 1_500_000_000_000,
    "counted_nano_usd": 1_234_567_890_123,
    "evidence": {"repeated_calls": 4120, "off_calls": 4120, "off_nano_usd": 617_283_945_061},
    "examples": [4503599627370496, 17],
    "change": "pipeline:\n  - use: redis_cache\n",
}
FOUND: dict[str, Any] = {
    "organization": "acme",
    "days": 14.0,
    "calls": 20_000,
    "fingerprinted_calls": 19_990,
    "sampled": 1,
    "total_potential_savings_nano_usd": 1_234_567_890_123,
    "recommendations": [CACHE],
}
SCREEN = """\
acme: $1,234.57 a month could be saved.
20000 paid calls of the last 14 days were looked at.
Of 10 calls the prompt has no fingerprint: repeats among them are not seen.

1. Cache repeated calls                                        $1,234.57 a month
   from $900.00 to $1,500.00; $1,234.57 of it in the total
   4120 calls asked what had been answered before; mostly no cache was asked.
   repeated calls 4120, off calls 4120, off $617.28
   for example 4503599627370496, 17
     pipeline:
       - use: redis_cache
"""


def test_they_are_shown_in_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_recommendations(FOUND)
    screen = capsys.readouterr().out
    assert screen == SCREEN
    assert max(map(len, screen.splitlines())) == 80


def test_none_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_recommendations({**FOUND, "fingerprinted_calls": 20_000, "recommendations": []})
    assert capsys.readouterr().out == "Nothing to recommend: 20000 paid calls of the last 14 days were looked at.\n"


def test_nothing_in_them_changes_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_recommendations({**FOUND, "recommendations": [{**CACHE, "summary": "a\x1b[31mb", "change": "x\x07\n"}]})
    assert not {"\x1b", "\x07"} & set(capsys.readouterr().out)


def test_a_sample_is_said_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    print_recommendations({**FOUND, "sampled": 4})
    assert "One prompt in 4 was looked at: there are many. All figures are estimates." in capsys.readouterr().out


def test_an_older_gateway_says_nothing_of_samples(capsys: pytest.CaptureFixture[str]) -> None:
    older = {name: value for name, value in FOUND.items() if name != "sampled"}
    print_recommendations({**older, "calls": 1, "fingerprinted_calls": 1, "days": 1.0, "recommendations": []})
    assert capsys.readouterr().out == "Nothing to recommend: 1 paid call of the last day was looked at.\n"
