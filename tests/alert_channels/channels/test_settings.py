"""Channels as an operator writes them: every mistake with its place, and nothing that may be a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.alert_channels.channels.settings import own_settings_of
from cognitude_plugins.alert_channels.settings import Config
from hooks import ConfigError
from tests.borrowed import configured

BASE: dict[str, Any] = {"models": [{"name": "sim", "provider": "simulated/echo"}]}
CANARY = "https://hooks.example.com/canary-4711"


def problems(folder: Path, channel: str) -> dict[str, tuple[str, str | None]]:
    snippet = f"pipeline: [{{use: alert_channels, config: {{channels: {{ops: {channel}}}}}}}]"
    with pytest.raises(ConfigError) as error:
        configured(folder, BASE, snippet)
    assert "canary" not in str(error.value)
    return {one.path.removeprefix("pipeline[0].config.channels"): (one.rule, one.value) for one in error.value.problems}


def test_a_channel_is_parted_into_what_all_have_and_what_its_type_wants() -> None:
    quiet = {"start": "22:00", "end": "06:30"}
    written = {"type": "slack", "url": CANARY, "min_severity": "warning", "summaries": ["daily"], "quiet_hours": quiet}
    config = Config.model_validate({"channels": {"ops": written}})
    assert "canary" not in repr(config)
    assert "canary" not in config.model_dump_json()
    declaration = config.channels["ops"]
    settings = own_settings_of(declaration)
    target = declaration.target(id="yaml:ops", name="ops", organization=declaration.organization)
    assert (target.organization, target.min_severity, target.summaries) == ("*", "warning", frozenset({"daily"}))
    assert target.quiet_hours is not None
    assert target.quiet_hours.end.hour == 6
    assert settings.url.get_secret_value() == CANARY  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("channel", "place", "rule"),
    [
        (
            f"{{type: slakc, url: '{CANARY}'}}",
            ".ops.type",
            "there is no type of channel 'slakc'; did you mean 'slack'?",
        ),
        (
            f"{{type: slack, ulr: '{CANARY}'}}",
            ".ops.ulr",
            "is not a known setting",
        ),
        ("{type: slack}", ".ops.url", "is required"),
        (f"{{url: '{CANARY}'}}", ".ops.type", "is required"),
        (f"{{type: slack, url: '{CANARY}', group: alll}}", ".ops.group", "must be 'none', 'rule' or 'all'"),
        (
            f"{{type: webhook, url: '{CANARY}', secret: canary}}",
            ".ops.secret",
            "must be whsec_ followed by 24 to 64 bytes",
        ),
        ("canary", ".ops", "must be a mapping"),
        ("{type: template, url: 'https://x', body: {a: '{titel}'}}", ".ops", "body.a: there is no {titel}"),
        (
            f"{{type: slack, url: '{CANARY}', quiet_hours: {{start: '25:00', end: '06:00'}}}}",
            ".ops.quiet_hours.start",
            "hour",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, channel: str, place: str, rule: str) -> None:
    found = problems(tmp_path, channel)
    assert set(found) - {".ops.url"} == {place} - {".ops.url"}
    assert rule in found[place][0]


def test_a_name_is_short_and_plain(tmp_path: Path) -> None:
    snippet = (
        f"pipeline: [{{use: alert_channels, config: {{channels: {{'Über ops': {{type: slack, url: '{CANARY}'}}}}}}}}]"
    )
    with pytest.raises(ConfigError, match=r"\^\[a-z0-9\]"):
        configured(tmp_path, BASE, snippet)


def test_a_secret_may_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{CANARY}\n")
    snippet = "pipeline: [{use: alert_channels, config: {channels: {ops: {type: slack, url: 'file:url'}}}}]"
    runtime = configured(tmp_path, BASE, snippet)
    [loaded] = runtime.loaded
    assert own_settings_of(loaded.config.channels["ops"]).url.get_secret_value() == CANARY  # type: ignore[attr-defined]
