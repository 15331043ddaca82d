"""Where the database is, by the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from cognitude_plugins.gateway.config import Config, load
from cognitude_plugins.gateway.storage.url import database_url, lock_file
from hooks import ConfigError


def config(folder: Path, url: str | None, data_dir: str = ".cognitude") -> Config:
    path = folder / "plugins.yaml"
    database = "" if url is None else f"services: {{database: '{url}'}}\n"
    path.write_text(f"gateway: {{data_dir: '{data_dir}'}}\n{database}models: []\n")
    return load(path, {})


def test_by_default_it_is_a_file_in_the_data_folder(tmp_path: Path) -> None:
    assert database_url(config(tmp_path, None)) == f"sqlite:///{tmp_path}/.cognitude/cognitude.db"
    assert database_url(config(tmp_path, None, "/var/lib/cog")) == "sqlite:////var/lib/cog/cognitude.db"
    assert lock_file(config(tmp_path, None)).parent == tmp_path / ".cognitude"


def test_a_relative_file_is_relative_to_the_configuration_whatever_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert database_url(config(tmp_path, "sqlite:///one.db")) == f"sqlite:///{tmp_path}/one.db"
    assert database_url(config(tmp_path, "sqlite:///../one.db")) == f"sqlite:///{tmp_path}/../one.db"
    assert database_url(config(tmp_path, "sqlite:////var/one.db")) == "sqlite:////var/one.db"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_postgresql_is_handed_on_as_it_is(tmp_path: Path, scheme: str) -> None:
    url = "://me:p%40ss%2Fw@db.example:5433/cog?sslmode=require"
    assert database_url(config(tmp_path, scheme + url)) == "postgresql" + url


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true", "sqlite://host/x", "sqlite:///x?mode=ro"]
)
def test_sqlite_that_is_no_file_is_refused_with_its_place(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="must name a file") as raised:
        database_url(config(tmp_path, url))
    [problem] = raised.value.problems
    assert (problem.path, problem.line) == ("services.database", 2)


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunter2@secret:x@host:abc/one", "postgresql://me:hunter2secret@h:1x/a"]
)
def test_what_is_no_url_is_refused_without_being_quoted(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="is no URL") as raised:
        database_url(config(tmp_path, url))
    assert "hunter2" not in str(raised.value)
    assert "secret" not in str(raised.value)
