"""Which commands may make or change a database, and what is said of one that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.gateway.cli import main

READING = (
    ("usage",),
    ("ledger", "export"),
    ("key", "list"),
    ("org", "list"),
    ("user", "list"),
    ("secrets", "list"),
)


def run(config: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(main, [*arguments, "--config", str(config)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def configured(folder: Path, url: str) -> Path:
    path = folder / "plugins.yaml"
    path.write_text(f"services: {{database: {json.dumps(url)}}}\nmodels: [{{name: m, provider: simulated/m}}]\n")
    return path


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_command_that_reads_makes_no_database(tmp_path: Path, sqlite_url: str, arguments: tuple[str, ...]) -> None:
    result = run(configured(tmp_path, sqlite_url), *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: there is no database {sqlite_url} yet: run `cognitude migrate`, or start the gateway\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["plugins.yaml"]


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_command_that_reads_migrates_nothing(tmp_path: Path, database_url: str, arguments: tuple[str, ...]) -> None:
    config = configured(tmp_path, database_url)
    run(config, "migrate", "--to", "0001_accounts")
    result = run(config, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(" is at 0001_accounts: run `cognitude migrate`, or start the gateway\n")
    assert "would apply core@0002_ledger\nwould apply core@0003_tried\n" in run(config, "migrate", "--dry-run").stdout
    run(config, "migrate", "--to", "base")
    assert " has no tables yet: run `cognitude migrate`" in run(config, *arguments).stderr


def test_a_command_that_writes_migrates_first(tmp_path: Path, database_url: str) -> None:
    config = configured(tmp_path, database_url)
    assert run(config, "org", "create", "Acme").exit_code == 0
    assert "nothing to do\n" in run(config, "migrate", "--dry-run").stdout
    for arguments in READING:
        assert run(config, *arguments).exit_code == 0


@pytest.mark.parametrize("arguments", [*READING, ("org", "create", "Acme"), ("migrate",)], ids=" ".join)
def test_a_file_that_is_no_database_is_named(tmp_path: Path, sqlite_url: str, arguments: tuple[str, ...]) -> None:
    config = configured(tmp_path, sqlite_url)
    file = tmp_path / "cognitude.db"
    file.write_text("something else, of some length")
    result = run(config, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: the database {file} cannot be used: file is not a database\n"
