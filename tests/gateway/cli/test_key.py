"""``cognitude key``: on the database itself; the secret goes to stdout once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.gateway.accounts.directory import Directory, Known
from cognitude_plugins.gateway.accounts.tokens import parse
from cognitude_plugins.gateway.books import secrets_of
from cognitude_plugins.gateway.cli import main
from cognitude_plugins.gateway.config import load
from cognitude_plugins.gateway.storage.database import Storage

NOW = 1_800_000_000.0


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Path:
    return with_acme(tmp_path, database_url)


@pytest.fixture
def local(tmp_path: Path, sqlite_url: str) -> Path:
    """Where it does not matter which database it is."""
    return with_acme(tmp_path, sqlite_url)


def with_acme(folder: Path, database_url: str) -> Path:
    path = folder / "plugins.yaml"
    path.write_text(
        f"services: {{database: {json.dumps(database_url)}}}\nmodels: [{{name: m, provider: simulated/m}}]\n"
    )
    assert run(path, "org", "create", "Acme").exit_code == 0
    return path


def run(config: Path, *arguments: str) -> Result:
    """A command that fails says why and shows no traceback."""
    result = CliRunner().invoke(main, [*arguments, "--config", str(config)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


async def known(config: Path, database_url: str, token: str) -> Known | None:
    """As a gateway with this configuration has it."""
    storage = Storage(database_url)
    try:
        directory = Directory(storage, secrets_of(load(config, {})))
        await directory.load()
        found = directory.find(token.encode(), NOW)
        return found if isinstance(found, Known) else None
    finally:
        storage.close()


async def test_a_key_is_printed_alone_on_stdout_and_works(config: Path, database_url: str) -> None:
    made = run(
        config, "key", "create", "--organization", "acme", "--role", "viewer", "--models", "gpt-*", "--models", "m"
    )
    assert made.exit_code == 0, made.output
    token = made.stdout.removesuffix("\n")
    assert parse(token.encode()) is not None
    assert "not shown again" in made.stderr
    assert token not in made.stderr
    found = await known(config, database_url, token)
    assert found is not None
    assert (found.organization, found.role, found.models) == ("acme", "viewer", ("gpt-*", "m"))
    assert token[21:] not in run(config, "key", "list", "--all", "--json").output


def test_labels_are_names_and_values(local: Path) -> None:
    labels = ("--labels", "team=search", "--labels", "note=a=b")
    made = json.loads(run(local, "key", "create", "--organization", "acme", *labels, "--json").stdout)
    assert made["labels"] == {"team": "search", "note": "a=b"}


async def test_rotated_and_revoked(config: Path, database_url: str) -> None:
    first = json.loads(run(config, "key", "create", "--organization", "acme", "--json").stdout)
    rotated = run(config, "key", "rotate", first["id"])
    assert "works for 1 day, 0:00:00 more" in rotated.stderr
    second = rotated.stdout.strip()
    assert await known(config, database_url, second) is not None
    third = json.loads(run(config, "key", "rotate", first["id"], "--overlap", "0s", "--json").stdout)
    assert third["previous_secret_until"] is None
    assert await known(config, database_url, first["secret"]) is None
    assert await known(config, database_url, second) is None
    assert await known(config, database_url, third["secret"]) is not None
    for _ in range(2):
        assert run(config, "key", "revoke", first["id"]).stdout == f"key {first['id']} is revoked\n"
    assert await known(config, database_url, third["secret"]) is None
    refused = run(config, "key", "rotate", first["id"])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "revoked" in refused.stderr


async def test_a_gateway_admins_key(config: Path, database_url: str) -> None:
    made = json.loads(run(config, "key", "create", "--gateway-admin", "--label", "root", "--json").stdout)
    assert (made["kind"], made["organization"], made["label"]) == ("gateway_admin", None, "root")
    found = await known(config, database_url, made["secret"])
    assert found is not None
    assert found.admin
    assert run(config, "key", "revoke", made["id"]).exit_code == 0, "here another can always be made"


def test_lists_leave_out_what_is_over_unless_asked(config: Path) -> None:
    kept = json.loads(run(config, "key", "create", "--organization", "acme", "--label", "kept", "--json").stdout)
    gone = json.loads(run(config, "key", "create", "--organization", "acme", "--json").stdout)
    run(config, "key", "revoke", gone["id"])
    assert [one["id"] for one in json.loads(run(config, "key", "list", "--json").stdout)] == [kept["id"]]
    assert len(json.loads(run(config, "key", "list", "--all", "--organization", "acme", "--json").stdout)) == 2
    table = run(config, "key", "list").stdout.splitlines()
    assert table[0].split() == ["ID", "ORGANIZATION", "ROLE", "USER", "LABEL", "STATUS", "EXPIRES", "LAST", "USED"]
    assert table[1].split() == [kept["id"], "acme", "member", "-", "kept", "active", "-", "-"]
    assert run(config, "key", "list", "--organization", "acne").stderr == "Error: There is no organization 'acne'.\n"


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        ("2030-01-31", "2030-01-31T00:00:00.000Z"),
        ("2030-01-31T12:00:00+02:00", "2030-01-31T10:00:00.000Z"),
        ("10d", None),
        ("2w", None),
    ],
)
def test_when_it_expires(local: Path, expires: str, expected: str | None) -> None:
    made = json.loads(run(local, "key", "create", "--organization", "acme", "--expires", expires, "--json").stdout)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["expires_at"])
    assert expected is None or made["expires_at"] == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "--organization", "acne"), "There is no organization 'acne'. Did you mean 'acme'?"),
        (("create", "--organization", "default"), "Make it with `cognitude org create`."),
        (("create",), "Say either --organization ID or --gateway-admin."),
        (("create", "--organization", "acme", "--gateway-admin"), "Say either --organization ID or --gateway-admin."),
        (("create", "--gateway-admin", "--role", "admin"), "has no role"),
        (("create", "--organization", "acme", "--user", "ada"), "The organization 'acme' has no user 'ada'."),
        (("create", "--organization", "acme", "--expires", "tomorrow"), "neither a duration, as in 30d, nor a date"),
        (("create", "--organization", "acme", "--expires", "2020-01-01"), "The time of expiry is past"),
        (("create", "--organization", "acme", "--expires", "999999w"), "neither a duration"),
        (("create", "--organization", "acme", "--models", ""), "Error: --models: "),
        (("create", "--organization", "\udcff"), "organization"),
        (("create", "--organization", "acme", "--labels", "team"), "'team' is no label"),
        (("create", "--organization", "acme", "--labels", "a b=c"), "labels"),
        (("create", "--organization", "acme", "--labels", "a=b", "--labels", "a=c"), "'a' is given twice"),
        (("rotate", "0000000000000000"), "There is no key '0000000000000000'."),
        (("rotate", "\udcff"), "There is no key"),
        (("rotate", "0000000000000000", "--overlap", "1x"), "'1x' is no duration"),
        (("rotate", "0000000000000000", "--overlap", "31d"), "--overlap: must not be longer than 30d"),
        (("revoke", "nope"), "There is no key 'nope'."),
    ],
)
def test_what_cannot_be_done_is_said(local: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run(local, "key", *arguments)
    assert result.exit_code != 0
    assert said in result.stderr
    assert result.stdout == ""


def test_another_secret_key_than_the_databases_makes_no_keys(local: Path) -> None:
    """They would be of no use to the gateway that has the right one."""
    run(local, "key", "create", "--organization", "acme")
    local.write_text(f"gateway: {{secret_keys: ['{'x' * 40}']}}\n{local.read_text()}")
    result = run(local, "key", "create", "--organization", "acme")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "another secret key" in result.stderr


def test_help_does_not_load_the_database() -> None:
    modules = ", ".join(f"cognitude_plugins.gateway.cli.{name}" for name in ("key", "org", "user"))
    code = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sqlalchemy", "pydantic", "cryptography"} & set(done.stdout.split())
