"""Names of channels that rules and budgets say."""

from __future__ import annotations

from cognitude_plugins.alert_channels.channels.named import missing


def test_what_is_known_is_not_missed() -> None:
    assert missing(["ops", "mail"], {"ops", "mail", "pager"}) == []


def test_what_is_not_known_is_told_with_the_nearest() -> None:
    assert missing(["ops", "opps", "else"], {"ops"}) == [
        "there is no channel 'opps' that its alerts could go to; did you mean 'ops'?",
        "there is no channel 'else' that its alerts could go to.",
    ]
