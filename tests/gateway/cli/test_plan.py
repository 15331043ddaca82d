"""``cognitude plan``: what a new configuration has wrong, changes, and would have made of yesterday."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from click.testing import CliRunner, Result

from cognitude_plugins.gateway.cli import main

OLD: Final = "models: [{name: m, provider: simulated/m, price: {input: 1, output: 2}}]\npipeline: [{use: redact}]\n"
NEW: Final = (
    "models: [{name: m, provider: simulated/m, price: {input: 2, output: 2}}]\n"
    "pipeline: [{use: redact}, {use: balancer}]\n"
)


def plan(folder: Path, new: str, *words: str) -> Result:
    (folder / "plugins.yaml").write_text(OLD)
    (folder / "new.yaml").write_text(new)
    named = ["plan", str(folder / "new.yaml"), "--config", str(folder / "plugins.yaml"), *words]
    result = CliRunner().invoke(main, named)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_it_shows_what_changes_and_says_when_there_is_no_ledger(tmp_path: Path) -> None:
    result = plan(tmp_path, NEW)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[1:] == [
        "~ models.m.price.input: 1 -> 2",
        '+ pipeline.balancer: {"use": "balancer"}',
        "",
        "The calls of the last 24 hours:",
        "No calls were recorded in that time.",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.yaml", "plugins.yaml"]


def test_problems_are_those_of_check(tmp_path: Path) -> None:
    result = plan(tmp_path, "models: [{nome: m}]\n", "--json")
    found: dict[str, Any] = json.loads(result.stdout)
    checked = CliRunner().invoke(main, ["check", "--config", str(tmp_path / "new.yaml"), "--json"])
    assert (result.exit_code, found) == (1, json.loads(checked.stdout))


def test_secrets_of_a_present_file_that_is_not_in_order_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from pydantic import BaseModel, SecretStr\nfrom hooks import hookimpl\n\n"
        "class Config(BaseModel, extra='forbid'):\n    webhook: SecretStr\n\n"
        "class Mine:\n    def __init__(self, config: Config, *, name='mine'): ...\n\n"
        "    @hookimpl\n    def pre_request(self, call): ...\n"
    )
    (tmp_path / "plugins.yaml").write_text("nodels: []\npipeline: [{use: ./mine.py:Mine, config: {webhook: LEAK-1}}]\n")
    (tmp_path / "new.yaml").write_text(OLD.replace("{use: redact}", "{use: ./mine.py:Mine, config: {webhook: LEAK-2}}"))
    named = ["plan", str(tmp_path / "new.yaml"), "--config", str(tmp_path / "plugins.yaml")]
    result = CliRunner().invoke(main, named)
    assert "LEAK" not in result.output
    assert '.config.webhook: "**********" -> "**********"' in result.stdout
