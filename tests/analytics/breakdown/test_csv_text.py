"""A breakdown as CSV: every figure, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import pytest

from cognitude_plugins.analytics.breakdown.bodies import told
from cognitude_plugins.analytics.breakdown.breakdown import Breakdown
from cognitude_plugins.analytics.breakdown.csv_text import as_csv, harmless
from cognitude_plugins.analytics.settings import MetricSettings
from hooks import Sums

FOUND = Breakdown(
    groups=(
        Sums(group={"user": '=HYPERLINK("http://x")', "day": "2026-11-30"}, calls=3, saved_nano_usd=-5),
        Sums(group={"user": 'a "quoted", name\n', "day": "2026-11-29"}, calls=1, seconds=(1.0, 2.0, 3.0)),
    ),
    other=Sums(group={}, calls=2),
    others=7,
    total=Sums(group={}, calls=6),
)
METRICS = [MetricSettings(name="per_call", expression="p95 / calls")]


def test_every_line_says_what_it_is() -> None:
    found = list(csv.DictReader(io.StringIO(as_csv(told(FOUND, METRICS, group_by=["user", "day"])))))
    assert [(one["row"], one["calls"]) for one in found] == [
        ("group", "3"),
        ("group", "1"),
        ("other", "2"),
        ("total", "6"),
    ]
    assert found[0]["user"] == '\'=HYPERLINK("http://x")'
    assert found[0]["saved_usd"] == "-0.000000005"
    assert found[1]["user"] == 'a "quoted", name\n'
    assert (found[1]["p95_seconds"], found[1]["per_call"]) == ("2.0", "2.0")
    assert (found[0]["p95_seconds"], found[0]["per_call"], found[3]["user"]) == ("", "", "")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_what_looks_like_a_formula_is_a_text(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless(f"x{text}") == f"x{text}"
