"""``cognitude usage``: on the database itself, with what a gateway that is not running left in its journal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.gateway.cli import main
from cognitude_plugins.gateway.ledger.lock import WriterLock
from cognitude_plugins.gateway.ledger.rollups import DAY_MS
from tests.gateway.ledger.book import row, write_segment

NOW = round(time.time() * 1000)


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Path:
    path = tmp_path / "plugins.yaml"
    path.write_text(
        f"services: {{database: {json.dumps(database_url)}}}\ngateway: {{data_dir: data}}\n"
        "models: [{name: m, provider: simulated/m}]\n"
    )
    assert CliRunner().invoke(main, ["migrate", "--config", str(path)]).exit_code == 0
    return path


def run(config: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(main, ["usage", *arguments, "--config", str(config)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def fill(config: Path) -> None:
    rows = [
        row("a", time_ms=NOW - 2000, prompt_tokens=5_000_000, cost_nano_usd=1_234_560_000, user="ada"),
        row("b", time_ms=NOW - 1000, status=500, cost_nano_usd=None, model="a-model-with-a-rather-long-name"),
        row("c", time_ms=NOW, organization="globex", source="cache", user="\x1b[31m"),
        row("d", time_ms=NOW - 90 * DAY_MS),
    ]
    write_segment(config.parent / "data" / "journal", rows)


def test_a_table_of_80_columns_with_what_was_still_in_the_journal(config: Path) -> None:
    fill(config)
    result = run(config, "--by", "model")
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "MODEL                     CALLS  ERRORS  HITS  TOKENS IN  OUT       USD",
        "a-model-with-a-rather-l…      1       1     0          9    3  0.000000",
        "small                         2       0     1       5.0M    6  1.234561",
        "total                         3       1     1       5.0M    9  1.234561",
        "The cost of 1 calls is not known.",
    ]
    assert list((config.parent / "data" / "journal").glob("*.journal")) == []


def test_what_there_is_of_the_rest_has_columns_of_its_own(config: Path) -> None:
    values = {"cached_tokens": 4, "reasoning_tokens": 2, "saved_nano_usd": -1_500_000, "complete": False}
    write_segment(config.parent / "data" / "journal", [row("a", time_ms=NOW, **values), row("b", time_ms=NOW)])
    assert run(config, "--by", "model").stdout.splitlines() == [
        "MODEL  CALLS  ERRORS  INCOMPLETE  HITS  TOKENS IN  CACHED  OUT  REASONING       USD  SAVED USD",
        "small      2       0           1     0         18       4    6          2  0.000002  -0.001500",
        "total      2       0           1     0         18       4    6          2  0.000002  -0.001500",
    ]


def test_a_full_disk_behind_standard_output_is_said_without_a_traceback(config: Path) -> None:
    for arguments in (["usage"], ["key", "list", "--json"], ["ledger", "export", "--format", "csv"], ["--help"]):
        command = [sys.executable, "-m", "cognitude_plugins.gateway.cli", *arguments]
        environ = {**os.environ, "COGNITUDE_CONFIG": str(config)}
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environ, check=False)
        said = "Error: standard output cannot be written: No space left on device\n"
        assert (done.returncode, done.stderr) == (1, said)


def test_the_same_for_programs_and_of_one_organization(config: Path) -> None:
    fill(config)
    found = json.loads(run(config, "--json", "--by", "organization").stdout)
    assert [(one["group"], one["calls"]) for one in found["data"]] == [
        ({"organization": "acme"}, 2),
        ({"organization": "globex"}, 1),
    ]
    found = json.loads(run(config, "--json", "--organization", "acme", "--from", "2020-01-01", "--by", "user").stdout)
    assert [(one["group"]["user"], one["calls"]) for one in found["data"]] == [("", 2), ("ada", 1)]
    assert found["total"]["cost_usd"] == "1.2345612"
    assert json.loads(run(config, "--json", "--organization", "nobody").stdout)["total"]["calls"] == 0


def test_an_organization_that_is_not_there_is_warned_of_and_answered(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger may have rows of one that was declared once."""
    fill(config)
    asked = run(config, "--organization", "globex", "--json")
    assert asked.stderr == "warning: There is no organization 'globex'.\n"
    assert json.loads(asked.stdout)["total"]["calls"] == 1
    assert CliRunner().invoke(main, ["org", "create", "Globex", "--config", str(config)]).exit_code == 0
    assert "Did you mean 'globex'?" in run(config, "--organization", "globax").stderr
    assert run(config, "--organization", "globex").stderr == ""
    assert CliRunner().invoke(main, ["org", "disable", "globex", "--config", str(config)]).exit_code == 0
    assert run(config, "--organization", "globex").stderr == ""
    monkeypatch.setenv("COGNITUDE_BOOTSTRAP_KEY", "a-secret-of-32-characters-012345")
    assert run(config, "--organization", "default").stderr == ""


def test_nothing_of_a_name_reaches_the_terminal_but_letters(config: Path) -> None:
    fill(config)
    shown = run(config, "--by", "user").stdout
    assert "\x1b" not in shown
    assert "?[31m" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "nope"), "--from must be a date as in 2026-11-30, not 'nope'."),
        (("--from", "2026-01-02", "--to", "2026-01-01"), "--from 2026-01-02 is after --to 2026-01-01."),
        (("--by", "hour"), "'hour' is not one of"),
    ],
)
def test_what_cannot_be_answered_is_said(config: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run(config, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_rows_that_a_gateway_holds_back_are_warned_of(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cognitude_plugins.gateway.cli import ledger_database

    monkeypatch.setattr(ledger_database, "_SECONDS", 0.2)
    fill(config)
    lock = WriterLock(config.parent / "data" / "journal")
    assert lock.acquire()
    result = run(config)
    lock.release()
    assert "warning: some rows still wait in" in result.stderr
    assert result.exit_code == 0
