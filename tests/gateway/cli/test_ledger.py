"""``cognitude ledger export``: every row, to a file or to standard output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.gateway.cli import main
from cognitude_plugins.gateway.cli.ledger import milliseconds
from tests.gateway.ledger.book import NOON, row, write_segment


@pytest.fixture
def config(tmp_path: Path, sqlite_url: str) -> Path:
    path = tmp_path / "plugins.yaml"
    path.write_text(
        f"services: {{database: {json.dumps(sqlite_url)}}}\ngateway: {{data_dir: data}}\n"
        "models: [{name: m, provider: simulated/m}]\n"
    )
    assert CliRunner().invoke(main, ["migrate", "--config", str(path)]).exit_code == 0
    rows = [row("a"), row("b", organization="globex", time_ms=NOON + 1), row("c", time_ms=NOON + 2)]
    write_segment(tmp_path / "data" / "journal", rows)
    return path


def run(config: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(main, ["ledger", "export", *arguments, "--config", str(config)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def ids(text: str) -> list[str]:
    return [json.loads(line)["id"] for line in text.splitlines()]


def test_rows_go_to_standard_output_also_those_that_waited_in_the_journal(config: Path) -> None:
    result = run(config)
    assert ids(result.stdout) == ["a", "b", "c"]
    assert result.stderr == ""


def test_a_stretch_of_time_and_an_organization_can_be_chosen(config: Path) -> None:
    assert ids(run(config, "--since", "2026-01-15T12:00:00.001Z").stdout) == ["b", "c"]
    assert ids(run(config, "--until", "2026-01-15T13:00:00.001+01:00").stdout) == ["a"]
    assert ids(run(config, "--since", "2026-01-15", "--until", "2026-01-16", "--organization", "acme").stdout) == [
        "a",
        "c",
    ]


def test_an_organization_that_is_not_there_is_warned_of(config: Path) -> None:
    result = run(config, "--organization", "nope")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "warning: There is no organization 'nope'.\n"


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_a_file_is_written_whole(config: Path, format: str) -> None:
    target = config.parent / f"rows.{format}"
    result = run(config, "--format", format, "--output", str(target))
    assert result.stderr == f"3 rows in {target}\n"
    assert target.stat().st_size > 100
    assert [path.name for path in config.parent.glob("*rows*")] == [target.name]


def test_a_folder_that_is_not_there_is_said_without_a_traceback(config: Path) -> None:
    result = run(config, "--output", str(config.parent / "nowhere" / "rows"))
    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr


@pytest.mark.parametrize(
    ("output", "status", "said"),
    [("", 2, "--output: a file, or - for standard output"), (".", 1, "Error: [Errno 21] Is a directory: '.'\n")],
)
def test_what_is_no_file_is_said_without_a_traceback(config: Path, output: str, status: int, said: str) -> None:
    result = run(config, "--output", output)
    assert result.exit_code == status
    assert said in result.stderr


def test_a_time_that_is_none_is_refused(config: Path) -> None:
    result = run(config, "--since", "last week")
    assert result.exit_code == 2
    assert "'last week' is no date and no time" in result.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:01", 1000),
        ("1970-01-01T00:00:00.000001", 1),
        ("1969-12-31T23:59:59Z", -1000),
    ],
)
def test_times_are_milliseconds_of_utc(text: str, expected: int) -> None:
    assert milliseconds("--since", text, 5) == expected


def test_a_reader_that_stops_early_gets_no_traceback(config: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cognitude_plugins.gateway.cli", "ledger", "export", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    process.wait()
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_a_terminal_shows_how_far_it_is(config: Path) -> None:
    terminal, side = os.openpty()
    command = [sys.executable, "-m", "cognitude_plugins.gateway.cli", "ledger", "export", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=side) as process:
        os.close(side)
        assert process.stdout is not None
        assert len(process.stdout.read().splitlines()) == 3
    shown = os.read(terminal, 1000)
    os.close(terminal)
    assert b"\r3 rows" in shown
