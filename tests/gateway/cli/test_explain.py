"""``cognitude explain``: the services beside the pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cognitude_plugins.gateway.cli.explain import command


@pytest.mark.parametrize(
    ("redis", "shown"),
    [
        ("memory", "memory"),
        ("embedded", "embedded"),
        ("rediss://ada:hunter2@cache/2", "rediss://cache:6379/2"),
        (
            "redis+sentinel://:hunter2@one,two/main?sentinel_password=hunter2",
            "redis+sentinel://one:26379,two:26379/main",
        ),
    ],
)
def test_it_shows_where_redis_is_and_no_password(tmp_path: Path, redis: str, shown: str) -> None:
    path = tmp_path / "plugins.yaml"
    path.write_text(f"services: {{redis: '{redis}'}}\n")
    told = CliRunner().invoke(command, ["--config", str(path)])
    assert told.exit_code == 0
    assert f"\nredis: {shown}\n" in told.output
    told = CliRunner().invoke(command, ["--config", str(path), "--json"])
    assert json.loads(told.output)["services"] == {"redis": shown, "cache": shown}
    assert "hunter2" not in told.output
