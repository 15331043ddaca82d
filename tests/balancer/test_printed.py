"""Experiments for people."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.balancer.printed import print_experiments

NOTHING = {"mean": None, "difference": None, "low": None, "high": None}


def arm(name: str, **metrics: Any) -> dict[str, Any]:
    names = ("error_rate", "cost_usd", "latency_seconds", "score")
    return {"arm": name, "weight": 1.5, "users": 3, "calls": 9, **{one: metrics.get(one, NOTHING) for one in names}}


def test_each_metric_that_is_known_has_its_difference_and_interval(capsys: pytest.CaptureFixture[str]) -> None:
    control = arm("small", cost_usd={**NOTHING, "mean": 0.0012})
    other = arm("large", cost_usd={"mean": 0.0052, "difference": 0.004, "low": -0.0001, "high": 0.0081})
    experiments = [{"name": "x", "by": "user", "control": "small", "arms": [control, other]}]
    print_experiments({"experiments": experiments})
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["x, by user", "  small (weight 1.5, control): 3 users, 9 calls"]
    assert lines[3].split() == ["USD", "per", "call", "0.001200", "-", "-"]
    assert lines[6].split() == ["USD", "per", "call", "0.005200", "+0.004000", "-0.000100", "to", "+0.008100"]
    assert len(lines) == 7


def test_none_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_experiments({"experiments": []})
    assert capsys.readouterr().out == "There are no experiments.\n"
