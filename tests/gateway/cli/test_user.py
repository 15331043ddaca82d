"""``cognitude user``: on the database itself, whether or not a gateway is running."""

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
    for name in ("Acme", "Globex"):
        assert run(path, "org", "create", name).exit_code == 0
    return path


def run(config: Path, *arguments: str) -> Result:
    """A command that fails says why and shows no traceback."""
    result = CliRunner().invoke(main, [*arguments, "--config", str(config)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_a_user_is_made_listed_disabled_and_enabled(config: Path) -> None:
    made = run(config, "user", "create", "ada", "--organization", "acme")
    assert made.stdout.startswith("user ada is there;")
    other = json.loads(
        run(config, "user", "create", "bob", "--organization", "globex", "--role", "admin", "--json").stdout
    )
    assert (other["name"], other["organization"], other["role"], other["status"]) == (
        "bob",
        "globex",
        "admin",
        "active",
    )
    for _ in range(2):
        done = run(config, "user", "disable", "ada", "--organization", "acme")
        assert done.stdout == "user ada of acme is disabled\n"
    table = sorted(line.split()[:4] for line in run(config, "user", "list").stdout.splitlines())
    assert table == [
        ["NAME", "ORGANIZATION", "ROLE", "STATUS"],
        ["ada", "acme", "member", "disabled"],
        ["bob", "globex", "admin", "active"],
    ]
    of_one = json.loads(run(config, "user", "list", "--organization", "globex", "--json").stdout)
    assert of_one == [other]
    enabled = json.loads(run(config, "user", "enable", "ada", "--organization", "acme", "--json").stdout)
    assert enabled["status"] == "active"


def test_a_key_can_be_made_for_it_and_may_do_no_more(config: Path) -> None:
    assert run(config, "user", "create", "ada", "--organization", "acme", "--role", "viewer").exit_code == 0
    made = json.loads(run(config, "key", "create", "--organization", "acme", "--user", "ada", "--json").stdout)
    assert made["user"] == "ada"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "ada", "--organization", "acme"), "The organization 'acme' has a user 'ada' already."),
        (("create", "bob", "--organization", "acne"), "There is no organization 'acne'. Did you mean 'acme'?"),
        (("create", "bob"), "Missing option '--organization'"),
        (("create", "", "--organization", "acme"), "NAME: "),
        (("create", "\x1b[31mred", "--organization", "acme"), "NAME: "),
        (("create", "bob", "--organization", "acme", "--role", "owner"), "'owner' is not one of"),
        (("list", "--organization", "acne"), "There is no organization 'acne'."),
        (("disable", "bob", "--organization", "acme"), "The organization 'acme' has no user 'bob'."),
        (("disable", "ada", "--organization", "globex"), "The organization 'globex' has no user 'ada'."),
        (("enable", "\udcff", "--organization", "acme"), "NAME: "),
    ],
)
def test_what_cannot_be_done_is_said(config: Path, arguments: tuple[str, ...], said: str) -> None:
    assert run(config, "user", "create", "ada", "--organization", "acme").exit_code == 0
    result = run(config, "user", *arguments)
    assert result.exit_code != 0
    assert result.stdout == ""
    assert said in result.stderr
