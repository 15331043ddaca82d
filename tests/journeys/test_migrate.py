"""``cognitude migrate``: what it says, what it does, and that it does nothing when asked to."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import inspect

from cognitude_plugins.gateway.cli import main
from cognitude_plugins.gateway.storage.branch import CORE
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.redefined import discard
from tests.databases import Postgres
from tests.processes import gateway

NOTES = """
from sqlmodel import Field, SQLModel
from hooks import hookimpl

class MigrateNote(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    organization: str

@hookimpl
def tables():
    return [MigrateNote]
"""
SIM = "models: [{name: sim, provider: simulated/echo}]\n"
FIRST, *_, LAST = CORE.revisions()


def migrate(folder: Path, *arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(main, ["migrate", "--config", str(folder / "plugins.yaml"), *arguments])
    assert done.exit_code == status, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.stdout if status == 0 else done.stderr


def migrated(folder: Path, *arguments: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(migrate(folder, "--json", *arguments))
    return said


@pytest.fixture
def folder(tmp_path: Path, database_url: str) -> Iterator[Path]:
    """A configuration with a plugin that has a table, on a fresh database of either kind."""
    (tmp_path / "notes.py").write_text(NOTES)
    database = f"services: {{database: '{database_url}'}}\npipeline: [{{use: ./notes.py}}]\n"
    (tmp_path / "plugins.yaml").write_text(SIM + database)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("cognitude_file_notes_")]:
        discard(sys.modules.pop(name))


def tables(url: str) -> set[str]:
    storage = Storage(url)
    found = storage.read_now(lambda one: set(inspect(one).get_table_names()))
    storage.close()
    return found


def test_up_down_and_up_again_with_what_was_done_said_each_time(folder: Path, database_url: str) -> None:
    assert f"would apply core@{FIRST}\n" in migrate(folder, "--dry-run")
    assert not (folder / "cognitude.db").exists()
    assert tables(database_url) == set()
    said = migrate(folder)
    assert f"applied core@{FIRST}\n" in said
    assert "created table migratenote\n" in said
    assert f"core: at {LAST}, up to date\n" in said
    assert {"organization", "migratenote"} <= tables(database_url)
    assert "nothing to do\n" in migrate(folder)
    assert migrated(folder, "--dry-run", "--to", "base")["undone"][-1] == f"core@{FIRST}"
    down = migrated(folder, "--to", "core@base")
    assert down["undone"] == [f"core@{revision}" for revision in reversed(CORE.revisions())]
    assert down["branches"] == [
        {"name": "core", "current": None, "head": LAST, "pending": list(CORE.revisions()), "up_to_date": False}
    ]
    assert "organization" not in tables(database_url)
    assert migrated(folder, "--to", FIRST)["applied"] == [f"core@{FIRST}"]
    assert migrated(folder)["branches"][0]["up_to_date"]


def test_an_unknown_revision_is_told_with_those_there_are(folder: Path) -> None:
    assert f"core has no revision 'nine', but base, {FIRST}" in migrate(folder, "--to", "nine", status=2)
    assert "no branch 'notes', but core" in migrate(folder, "--to", "notes@base", "--dry-run", status=2)


def test_it_works_while_the_gateway_runs_and_the_gateway_finds_nothing_left(folder: Path) -> None:
    with gateway((folder / "plugins.yaml").read_text(), folder) as running:
        assert "nothing to do\n" in migrate(folder)
        assert running.stop() == 0


def test_a_plugin_in_a_file_that_is_changed_has_its_new_tables_after_a_reload(folder: Path, database_url: str) -> None:
    with gateway((folder / "plugins.yaml").read_text(), folder) as running:
        assert "migratenote" in tables(database_url)
        more = NOTES.partition("@hookimpl")[0].replace("MigrateNote", "MigrateMore")
        (folder / "notes.py").write_text(more + NOTES.replace("[MigrateNote]", "[MigrateNote, MigrateMore]"))
        for number in (1, 2):
            running.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 20
            while running.text().count("configuration reloaded") < number:
                assert time.monotonic() < deadline, running.text()
                time.sleep(0.05)
        assert "migratemore" in tables(database_url)
        assert running.stop() == 0


def test_without_a_database_in_the_configuration_it_is_the_file_in_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "plugins.yaml").write_text(SIM)
    assert migrated(tmp_path)["database"] == f"sqlite:///{tmp_path}/.cognitude/cognitude.db"


def test_the_password_is_not_shown_and_what_is_wrong_is_said_in_a_line(tmp_path: Path, postgres: Postgres) -> None:
    url = f"postgresql://guarded:hunter2secret@/postgres?host={postgres.folder}"
    (tmp_path / "plugins.yaml").write_text(SIM + f"services: {{database: '{url}'}}\n")
    said = migrate(tmp_path, status=1)
    assert "password authentication failed" in said
    assert said.count("\n") == 1
    assert "hunter2secret" not in said


def test_a_configuration_with_a_problem_is_told_like_everywhere(tmp_path: Path) -> None:
    (tmp_path / "plugins.yaml").write_text("models: []\nservices: {database: 'mysql://x/y'}\n")
    assert "plugins.yaml:2: services.database" in migrate(tmp_path, status=1)
