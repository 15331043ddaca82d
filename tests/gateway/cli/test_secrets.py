"""``cognitude secrets``: a change of the secret key, as an operator makes it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.gateway.accounts.credential import Credential
from cognitude_plugins.gateway.accounts.credentials import Credentials
from cognitude_plugins.gateway.accounts.secret_keys import SecretKey, SecretKeys
from cognitude_plugins.gateway.cli import main
from cognitude_plugins.gateway.storage.database import Storage

OLD, NEW = "old-" * 10, "new-" * 10
OLD_ID, NEW_ID = SecretKey.of(OLD).id, SecretKey.of(NEW).id


def configure(folder: Path, url: str, *secrets: str) -> Path:
    path = folder / "plugins.yaml"
    gateway = f"gateway: {{secret_keys: {json.dumps(secrets)}}}\n" if secrets else ""
    path.write_text(
        f"{gateway}services: {{database: {json.dumps(url)}}}\nmodels: [{{name: m, provider: simulated/m}}]\n"
    )
    return path


def run(config: Path, *arguments: str) -> Result:
    """A command that fails says why, shows no traceback and no secret."""
    result = CliRunner().invoke(main, [*arguments, "--config", str(config)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    for secret in (OLD, NEW, "sk-"):
        assert secret not in result.output
    return result


def put(url: str, secret: str, organization: str) -> None:
    async def written() -> None:
        storage = Storage(url)
        credentials = Credentials(storage, SecretKeys([SecretKey.of(secret)]))
        await credentials.put(Credential(organization=organization, provider="openai", api_key=f"sk-{organization}"))
        storage.close()

    asyncio.run(written())


def opened(url: str, *secrets: str) -> list[str | None]:
    async def read() -> list[str | None]:
        storage = Storage(url)
        credentials = Credentials(storage, SecretKeys([SecretKey.of(secret) for secret in secrets]))
        await credentials.load()
        storage.close()
        found = [credentials.find(organization, "openai") for organization in ("a", "b")]
        return [None if one is None else one.api_key for one in found]

    return asyncio.run(read())


def test_the_secret_is_changed_without_losing_a_key(tmp_path: Path, database_url: str) -> None:
    config = configure(tmp_path, database_url, OLD)
    run(config, "org", "create", "a")
    client_key = json.loads(run(config, "key", "create", "--organization", "a", "--json").stdout)
    for organization in ("a", "b"):
        put(database_url, OLD, organization)

    config = configure(tmp_path, database_url, NEW, OLD)
    rows = json.loads(run(config, "secrets", "list", "--json").stdout)
    current = {"id": NEW_ID, "state": "current", "client_keys": 0, "provider_credentials": 0}
    assert rows == [current, {"id": OLD_ID, "state": "older", "client_keys": 1, "provider_credentials": 2}]
    said = run(config, "secrets", "rotate").stdout
    assert said.startswith(f"2 providers' keys encrypted anew under the secret key {NEW_ID}\n1 client keys still need")
    assert opened(database_url, NEW) == ["sk-a", "sk-b"]

    run(config, "key", "rotate", client_key["id"], "--overlap", "0s")
    again = json.loads(run(config, "secrets", "rotate", "--json").stdout)
    assert again == {"secret_key": NEW_ID, "resealed": 0, "unreadable": 0, "older_keys": 0}
    config = configure(tmp_path, database_url, NEW)
    table = run(config, "secrets", "list").stdout.splitlines()
    assert [line.split() for line in table[1:]] == [[NEW_ID, "current", "1", "2"]]


def test_what_cannot_be_opened_is_said_and_left(tmp_path: Path, database_url: str) -> None:
    config = configure(tmp_path, database_url, NEW)
    run(config, "org", "create", "a")
    put(database_url, OLD, "a")
    put(database_url, NEW, "b")
    result = run(config, "secrets", "rotate")
    assert result.exit_code == 1
    assert "1 providers' keys cannot be opened" in result.stderr
    rows = json.loads(run(config, "secrets", "list", "--json").stdout)
    assert rows[1] == {"id": OLD_ID, "state": "missing", "client_keys": 0, "provider_credentials": 1}
    assert opened(database_url, OLD)[0] == "sk-a"


def test_another_machines_secret_is_refused(tmp_path: Path, database_url: str) -> None:
    assert run(configure(tmp_path, database_url, OLD), "org", "create", "a").exit_code == 0
    result = run(configure(tmp_path, database_url, NEW), "secrets", "rotate")
    assert result.exit_code == 1
    assert "another secret key" in result.stderr
    assert OLD_ID in result.stderr


@pytest.mark.parametrize("content", ["", "short"])
def test_a_file_without_a_secret_is_named(tmp_path: Path, sqlite_url: str, content: str) -> None:
    config = configure(tmp_path, sqlite_url)
    run(config, "migrate")
    (tmp_path / ".cognitude" / "secret.key").write_text(content)
    result = run(config, "secrets", "list")
    assert result.exit_code == 1
    assert str(tmp_path / ".cognitude" / "secret.key") in result.stderr


def test_a_list_makes_no_secret_key(tmp_path: Path, sqlite_url: str) -> None:
    config = configure(tmp_path, sqlite_url)
    run(config, "migrate")
    result = run(config, "secrets", "list")
    file = tmp_path / ".cognitude" / "secret.key"
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: there is no secret key yet: the gateway makes {file} when it starts\n"
    assert not file.exists()
