"""Settings with their secrets and without, and what is made of a text that has some in it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cognitude_plugins.alert_channels.channels.email import Email
from cognitude_plugins.alert_channels.channels.forms import HIDDEN, hushed, merged, with_secrets, without_secrets
from cognitude_plugins.alert_channels.channels.signature import new_secret
from cognitude_plugins.alert_channels.channels.webhook import Webhook

OLD, NEW = new_secret(), new_secret()
HOOK = Webhook.Config.model_validate(
    {
        "url": "https://example.com/canary",
        "secret": NEW,
        "previous": [{"secret": OLD, "until": datetime(2027, 1, 1, tzinfo=UTC)}],
        "headers": {"x-key": "canary-header"},
    }
)


def test_what_is_sealed_can_be_read_again_and_what_is_shown_has_no_secret() -> None:
    assert Webhook.Config.model_validate(with_secrets(HOOK)) == HOOK
    shown = without_secrets(HOOK)
    assert shown["headers"] == {"x-key": HIDDEN}
    assert shown["previous"] == [{"secret": HIDDEN, "until": "2027-01-01T00:00:00Z"}]
    assert not [one for one in ("canary", OLD, NEW) if one in str(shown)]
    mail = {"host": "h", "from": "a@b.c", "to": ["a@b.c"], "ca_file": Path("/x")}
    assert with_secrets(Email.Config.model_validate(mail))["from"] == "a@b.c"
    assert with_secrets(Email.Config.model_validate(mail))["ca_file"] == "/x"


def test_what_is_sent_back_masked_stays() -> None:
    present = with_secrets(HOOK)
    assert merged(present, without_secrets(HOOK)) == {
        **present,
        "previous": [{"secret": OLD, "until": "2027-01-01T00:00:00Z"}],
    }
    changed: Any = merged(present, {"headers": {"x-key": HIDDEN, "x-new": "1"}, "previous": None})
    assert changed["headers"] == {"x-key": "canary-header", "x-new": "1"}
    assert "previous" not in changed
    assert merged({}, {"url": HIDDEN}) == {"url": HIDDEN}, "there is nothing that it stands for"


def test_a_text_is_cleaned_of_secrets() -> None:
    text = f"POST https://example.com/canary ({NEW}, {OLD}) canary-header: example.com/canary"
    assert hushed(text, HOOK) == f"POST {HIDDEN} ({HIDDEN}, {HIDDEN}) {HIDDEN}: {HIDDEN}"
    assert hushed(text, None) == text
