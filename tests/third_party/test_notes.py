"""A plugin with tables and migrations of its own, as a stranger would ship it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from cognitude_plugins.gateway.storage.database import Storage
from tests.processes import CLI, gateway

PACKAGE = Path(__file__).parent / "cognitude-notes"
CONFIG = """
models: [{{name: sim, provider: simulated/echo}}]
services: {{database: '{url}'}}
gateway:
  keys:
    - {{id: one, secret: key-of-one-0123456789abcdef, organization: one}}
    - {{id: two, secret: key-of-two-0123456789abcdef, organization: two}}
pipeline: [{{use: notes}}]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed into it, as pip does it."""
    target = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*install, "--disable-pip-version-check", "--target", str(target), str(PACKAGE)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return target


def migrate(site: Path, folder: Path, *arguments: str) -> str:
    environ = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([*CLI, "migrate", *arguments], capture_output=True, text=True, env=environ, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_its_migrations_are_applied_at_start_and_can_be_undone(site: Path, tmp_path: Path, database_url: str) -> None:
    config = CONFIG.format(url=database_url)
    (tmp_path / "plugins.yaml").write_text(config)
    assert "would apply notes@0002\n" in migrate(site, tmp_path, "--dry-run")
    with gateway(config, tmp_path, env={"PYTHONPATH": str(site)}) as running, running.client() as client:
        one = {"authorization": "Bearer key-of-one-0123456789abcdef"}
        two = {"authorization": "Bearer key-of-two-0123456789abcdef"}
        assert client.post("/notes", json={"text": "buy milk"}, headers=one).json() == {"notes": ["buy milk"]}
        assert client.get("/notes", headers=two).json() == {"notes": []}
        assert client.get("/notes", headers=one).json() == {"notes": ["buy milk"]}
        assert client.get("/notes", headers={"authorization": "Bearer nobody"}).status_code == 401
    assert "notes: at 0002, up to date\n" in migrate(site, tmp_path)
    assert "undid notes@0002\n" in migrate(site, tmp_path, "--to", "notes@0001")
    storage = Storage(database_url)
    columns = storage.read_now(lambda connection: {one["name"] for one in inspect(connection).get_columns("note")})
    assert columns == {"id", "organization", "text"}
    assert storage.read_now(lambda one: one.execute(text("SELECT text FROM note")).scalar_one()) == "buy milk"
    assert "applied notes@0002\n" in migrate(site, tmp_path)
    assert storage.read_now(lambda one: one.execute(text("SELECT color FROM note")).scalar_one()) == "yellow"
    storage.close()
