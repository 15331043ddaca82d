"""What forecasts promise, in a bounded form on a seed that does not change; ``make eval-forecast`` is all of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cognitude_plugins.analytics.forecast.calibration import shipped

from . import calibrating, hours, noticed
from .forecast import forecasts, main
from .foretold import told


def test_intervals_hold_what_they_say_and_the_error_is_less_than_last_weeks() -> None:
    lines = forecasts(list(told("bounded", 8, shipped(), histories=(3, 7, 21, 42), ahead=(0, 1, 7, 14))))
    found = {(one["by"], one["value"]): one for one in lines}
    assert 0.75 <= found["all", ""]["coverage"] <= 0.85
    assert found["all", ""]["error"] < 0.95 * found["all", ""]["last_week_error"]
    for name in ("3", "7", "21", "42"):
        assert 0.7 <= found["history", name]["coverage"] <= 0.9


def test_bursts_are_noticed_more_often_and_with_fewer_false_alarms_than_by_five_deviations() -> None:
    uses = list(hours.many("bounded", 2))
    ours, theirs = (noticed.noticed(uses, method)[-1] for method in noticed.METHODS)
    assert ours.alarms_a_week < min(0.5, theirs.alarms_a_week)
    assert ours.sixfold > theirs.sixfold
    assert ours.triple > theirs.triple


def test_a_table_is_made_of_as_many_errors_as_there_are_series() -> None:
    found = calibrating.table("bounded", 1)
    assert (found.history, found.ahead) == (calibrating.HISTORY, calibrating.AHEAD)
    assert all(list(row) == sorted(row) for rows in found.quantiles for row in rows)


def test_the_command_prints_every_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "--series", "1", "--uses", "0", "--json", str(tmp_path / "all.json")])
    assert main() == 0
    page = capsys.readouterr().out
    assert "### Forecasts of 7 series" in page
    assert "### Anomalies of spend" in page
    results = json.loads((tmp_path / "all.json").read_text())
    assert {one["by"] for one in results["forecasts"]} == {"all", "kind", "history", "ahead"}
