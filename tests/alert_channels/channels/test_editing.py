"""What a change of a channel may not do: send secrets where they were not meant to go."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.channels.forms import HIDDEN
from tests.alert_channels.opened import opened
from tests.borrowed import sqlite_tables

URL = "https://hooks.example.com/services/T1"


@pytest.mark.parametrize(
    ("type", "settings", "moved", "along"),
    [
        ("webhook", {"url": URL, "headers": {"x-key": "canary"}}, {"url": f"{URL}/2"}, "headers"),
        ("pagerduty", {"routing_key": "canary"}, {"url": URL}, "routing_key"),
        (
            "template",
            {"url": URL, "secrets": {"k": "canary"}, "body": {"k": "{secret.k}"}},
            {"url": f"{URL}/2", "secrets": {"k": HIDDEN}},
            "secrets",
        ),
        (
            "email",
            {"host": "h.example", "from": "a@b.c", "to": ["a@b.c"], "username": "me", "password": "canary"},
            {"host": "eve.example"},
            "password",
        ),
    ],
)
async def test_secrets_do_not_go_elsewhere_unless_they_are_given_again(
    tmp_path: Path, type: str, settings: Any, moved: Any, along: str
) -> None:
    with closing(sqlite_tables(tmp_path, plugin)) as tables:
        async with opened(tables.lent()) as office:
            one = f"channels/{(await office.made('admin', 'one', type, settings))['id']}"
            refused = await office("admin", "PATCH", one, {"settings": moved})
            assert (refused.status_code, refused.json()["error"]["param"]) == (400, f"settings.{along}")
            again = await office("admin", "PATCH", one, {"settings": {**moved, along: settings[along]}})
            assert again.status_code == 200, again.text
