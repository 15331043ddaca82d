"""Types of channels: found by their entry points, and nothing else passes for one."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from cognitude_plugins.alert_channels.channels import kinds
from cognitude_plugins.alert_channels.channels.email import Email
from cognitude_plugins.alert_channels.channels.kinds import Rotates, declared_only, field_names, kind
from cognitude_plugins.alert_channels.channels.webhook import Webhook
from hooks import CHANNELS


def test_ours_are_installed() -> None:
    assert {"email", "pagerduty", "slack", "template", "webhook"} <= kinds.installed().keys()
    assert kind("webhook") is Webhook


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("cognitude_no_such_module:Channel", "cannot be loaded: No module named 'cognitude_no_such_module'"),
        ("json:NoSuchThing", "cannot be loaded"),
        ("json:dumps", "is no channel: json:dumps has no Config or no async send"),
    ],
)
def test_what_is_no_channel_is_refused(monkeypatch: pytest.MonkeyPatch, value: str, rule: str) -> None:
    points = {"odd": EntryPoint(name="odd", value=value, group=CHANNELS)}
    monkeypatch.setattr(kinds, "installed", lambda: points)
    with pytest.raises(ValueError, match=rule):
        kind.__wrapped__("odd")


def test_a_type_says_what_it_is_made_of() -> None:
    found: Any = Webhook
    assert isinstance(found, Rotates)
    assert not isinstance(Email, Rotates)
    assert declared_only(Email.Config) == {"ca_file"}
    assert "from" in field_names(Email.Config)
    assert "sender" not in field_names(Email.Config)
