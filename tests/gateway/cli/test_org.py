"""``cognitude org``: on the database itself, whether or not a gateway is running."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.gateway.cli import main


@pytest.fixture
def config(tmp_path: Path, sqlite_url: str) -> Path:
    path = tmp_path / "plugins.yaml"
    path.write_text(f"services: {{database: {json.dumps(sqlite_url)}}}\nmodels: [{{name: m, provider: simulated/m}}]\n")
    return path


def run(config: Path, *arguments: str) -> Result:
    """A command that fails says why and shows no traceback."""
    result = CliRunner().invoke(main, ["org", *arguments, "--config", str(config)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_an_organization_is_made_disabled_and_enabled(config: Path) -> None:
    made = run(config, "create", "Acme & Sons")
    assert made.stdout.startswith("organization acme-sons is there;")
    assert "cognitude key create --organization acme-sons" in made.stdout
    other = json.loads(run(config, "create", "Two", "--id", "two", "--time-zone", "Europe/Berlin", "--json").stdout)
    assert (other["id"], other["time_zone"], other["status"]) == ("two", "Europe/Berlin", "active")
    for _ in range(2):
        assert run(config, "disable", "two").stdout == "organization two is disabled\n"
    table = [line.split("  ") for line in run(config, "list").stdout.splitlines()]
    assert [[cell.strip() for cell in line if cell.strip()] for line in table] == [
        ["ID", "NAME", "STATUS", "TIME ZONE"],
        ["acme-sons", "Acme & Sons", "active", "UTC"],
        ["two", "Two", "disabled", "Europe/Berlin"],
    ]
    assert json.loads(run(config, "enable", "two", "--json").stdout)["status"] == "active"
    assert [one["status"] for one in json.loads(run(config, "list", "--json").stdout)] == ["active", "active"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "Acme", "--id", "acme"), "There is an organization 'acme' already."),
        (("create", "Acme", "--id", "a b"), "id"),
        (("create", ""), "NAME: "),
        (("create", "\x1b[31mred"), "NAME: "),
        (("create", "Acme", "--time-zone", "Mars/Olympus"), "--time-zone: "),
        (("disable", "nope"), "There is no organization 'nope'."),
        (("enable", "\udcff"), "There is no organization"),
    ],
)
def test_what_cannot_be_done_is_said(config: Path, arguments: tuple[str, ...], said: str) -> None:
    assert run(config, "create", "Acme").exit_code == 0
    result = run(config, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
