"""What plugins bring to the database is found, and refused where it breaks the contract."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Table, inspect

from cognitude_plugins.gateway.loader import load_file, register
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import Branch, upgrade
from cognitude_plugins.gateway.storage.plugin_tables import CORE_PREFIXES, CORE_TABLES, collect
from cognitude_plugins.gateway.storage.redefined import discard
from hooks import ConfigError, PluginError

PLUGIN = """
from sqlmodel import Field, SQLModel
from hooks import hookimpl

class {name}(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    organization: str

class Plugin:
    @hookimpl
    def tables(self):
        {body}
"""
ONE_MIGRATION = "revision = '0001'\ndown_revision = None\ndef upgrade(): ...\ndef downgrade(): ...\n"
Collect = Callable[..., tuple[tuple[Branch, ...], tuple[Table, ...]]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collect]:
    """Collect what a pipeline of these entries brings; packages in the folder can be imported."""
    monkeypatch.syspath_prepend(tmp_path)

    def collected(*entries: str) -> tuple[tuple[Branch, ...], tuple[Table, ...]]:
        path = tmp_path / "plugins.yaml"
        path.write_text("models: []\npipeline:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries))
        _, loaded = load_file(path, {})
        return collect(register(loaded), loaded)

    yield collected
    for name in [name for name in sys.modules if name.startswith(("cognitude_file_", "cog_", "lone"))]:
        discard(sys.modules.pop(name))


def package(folder: Path, name: str, table: str, *, label: str | None = None, migrations: bool = True) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("from .plugin import Plugin\n")
    (folder / name / "plugin.py").write_text(PLUGIN.format(name=table, body=f"return [{table}]"))
    if migrations:
        (folder / name / "migrations").mkdir()
        labelled = f"branch_labels = ({label!r},)\n" if label else ""
        (folder / name / "migrations" / "0001.py").write_text(labelled + ONE_MIGRATION)


def test_the_tables_of_a_file_are_made(run: Collect, tmp_path: Path, empty_database: Storage) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN.format(name="FileNote", body="yield FileNote"))
    branches, tables = run("use: ./mine.py")
    assert branches == ()
    assert upgrade(empty_database, tmp_path / "lock", branches, tables).created == ("filenote",)
    assert "filenote" in empty_database.read_now(lambda one: inspect(one).get_table_names())


def test_a_package_with_migrations_has_a_branch_and_its_tables_are_left_to_it(run: Collect, tmp_path: Path) -> None:
    package(tmp_path, "cog_one", "OneNote")
    package(tmp_path, "cog_two", "TwoNote", label="two")
    package(tmp_path, "cog_three", "ThreeNote", migrations=False)
    branches, tables = run(*(f"use: 'cog_{name}:Plugin', name: {name}" for name in ("one", "two", "three")))
    assert [(one.name, one.folder) for one in branches] == [
        ("cog_one", tmp_path / "cog_one" / "migrations"),
        ("two", tmp_path / "cog_two" / "migrations"),
    ]
    assert [table.name for table in tables] == ["threenote"]


def test_a_plugin_used_twice_has_one_branch_and_one_table(run: Collect, tmp_path: Path) -> None:
    package(tmp_path, "cog_four", "FourNote")
    (tmp_path / "mine.py").write_text(PLUGIN.format(name="TwiceNote", body="return [TwiceNote]"))
    branches, tables = run(
        "use: 'cog_four:Plugin', name: a",
        "use: 'cog_four:Plugin', name: b",
        "use: ./mine.py",
        "use: ./mine.py, name: c",
    )
    assert [one.name for one in branches] == ["cog_four"]
    assert [table.name for table in tables] == ["twicenote"]


def test_what_is_off_brings_nothing(run: Collect, tmp_path: Path) -> None:
    package(tmp_path, "cog_five", "FiveNote")
    assert run("use: 'cog_five:Plugin', mode: off") == ((), ())


def test_a_folder_beside_a_single_file_is_somebody_elses(run: Collect, tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "env.py").write_text("raise SystemExit\n")
    for name in ("single", "lone"):
        (tmp_path / f"{name}.py").write_text(PLUGIN.format(name=f"{name.title()}Note", body="return []"))
    assert run("use: ./single.py", "use: 'lone:Plugin'") == ((), ())


def test_two_packages_with_one_label_are_refused(run: Collect, tmp_path: Path) -> None:
    package(tmp_path, "cog_six", "SixNote", label="same")
    package(tmp_path, "cog_seven", "SevenNote", label="same")
    with pytest.raises(PluginError, match=r"'cog_seven'.*the name of others: same"):
        run("use: 'cog_six:Plugin', name: cog_six", "use: 'cog_seven:Plugin', name: cog_seven")


def test_a_branch_cannot_pass_for_the_cores(run: Collect, tmp_path: Path) -> None:
    package(tmp_path, "cog_eight", "EightNote", label="core")
    with pytest.raises(PluginError, match="the name of others: core"):
        run("use: 'cog_eight:Plugin'")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return [SQLModel]", r"'mine'.*no SQLModel class with table=True"),
        ("return [7]", r"'mine': tables\(\) gives 7"),
        ("raise KeyError('x')", "'mine' failed in tables: KeyError"),
        ("yield BadNote; raise KeyError('x')", "'mine' failed in tables: KeyError"),
        ("return 7", "'mine' failed in tables: TypeError"),
    ],
)
def test_what_is_no_table_is_refused(run: Collect, tmp_path: Path, body: str, words: str) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN.format(name="BadNote", body=body))
    with pytest.raises(PluginError, match=words):
        run("use: ./mine.py")


def test_a_table_without_organization_is_refused(run: Collect, tmp_path: Path) -> None:
    code = PLUGIN.format(name="LooseNote", body="return [LooseNote]").replace("    organization: str\n", "")
    (tmp_path / "mine.py").write_text(code)
    with pytest.raises(PluginError, match="'mine': table 'loosenote' has no organization column"):
        run("use: ./mine.py")


@pytest.mark.parametrize("name", ["ledger_mine", "schema_version_x"])
def test_a_name_of_the_cores_is_refused(run: Collect, tmp_path: Path, name: str) -> None:
    code = PLUGIN.format(name="Odd", body="return [Odd]").replace("    id:", f"    __tablename__ = '{name}'\n    id:")
    (tmp_path / "mine.py").write_text(code)
    with pytest.raises(PluginError, match=f"'{name}' has a name of the core's"):
        run("use: ./mine.py")


def test_two_plugins_cannot_have_one_table(run: Collect, tmp_path: Path) -> None:
    """SQLModel itself refuses the second where they share its registry."""
    for name in ("first", "second"):
        (tmp_path / f"{name}.py").write_text(PLUGIN.format(name="SharedNote", body="return [SharedNote]"))
    with pytest.raises(ConfigError, match="'sharednote' is already defined"):
        run("use: ./first.py", "use: ./second.py")


def test_every_table_of_the_core_is_reserved(each_database: Storage) -> None:
    for name in each_database.read_now(lambda one: inspect(one).get_table_names()):
        assert name in CORE_TABLES or name.startswith(CORE_PREFIXES)
    assert set(each_database.read_now(lambda one: inspect(one).get_table_names())) >= CORE_TABLES
