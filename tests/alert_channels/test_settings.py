"""What is written in plugins.yaml of more than one part of the plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.alert_channels.settings import Config
from tests.borrowed import problems_of

CONFIG = """
models:
  - {name: sim, provider: simulated/echo}
pipeline:
  - use: alert_channels
    config:
      channels:
        ops: {type: slack, url: "https://hooks.slack.com/services/x"}
        theirs: {type: slack, url: "https://hooks.slack.com/services/y", organization: globex}
      rules:
        - {name: errors, metric: error_rate, threshold: 0.1, channels: [ops, opps]}
        - {name: theirs, metric: error_rate, threshold: 0.1, channels: [theirs], organization: acme}
        - {name: all-of-them, metric: error_rate, threshold: 0.1, channels: [theirs]}
      budgets:
        - {name: month, organization: globex, amount_usd: 5, per: month, channels: [pager, theirs]}
"""
CHANNELS = {"ops": {"type": "slack", "url": "https://hooks.slack.com/services/x"}}


def test_channels_that_are_named_and_not_there_are_told_at_once(tmp_path: Path) -> None:
    found = problems_of(CONFIG, tmp_path)
    told = {(one.line, one.path.removeprefix("pipeline[0].config.")): one.rule for one in found}
    assert told == {
        (11, "rules[0].channels[1]"): "there is no such channel in this file; did you mean 'ops'?",
        (12, "rules[1].channels[0]"): "this channel is of 'globex', and hears nothing of 'acme'",
        (15, "budgets[0].channels[0]"): "there is no such channel in this file",
    }


@pytest.mark.parametrize("section", ["rules", "budgets"])
def test_a_channel_that_is_there_can_be_named(section: str) -> None:
    made: dict[str, Any] = {
        "rules": {"name": "a", "metric": "calls", "threshold": 1, "channels": ["ops"]},
        "budgets": {"name": "a", "organization": "acme", "amount_usd": 5, "per": "day", "channels": ["ops"]},
    }
    assert Config.model_validate({"channels": CHANNELS, section: [made[section]]})
