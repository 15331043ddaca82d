"""A line of migrations is read without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cognitude_plugins.gateway.storage.branch import CORE, Branch
from hooks import PluginError


def written(folder: Path, **files: str) -> Branch:
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content)
    return Branch(name="notes", folder=folder)


def test_revisions_are_in_the_order_of_their_ancestry_whatever_the_files_are_called(tmp_path: Path) -> None:
    branch = written(
        tmp_path,
        a='"""Two."""\nrevision: str = "two"\ndown_revision: str | None = "one"\n',
        b="revision = 'three'  # the last\ndown_revision = 'two'\nraise SystemExit\n",
        c='revision = "one"\ndown_revision = None\n',
        __init__="",
    )
    assert branch.revisions() == ("one", "two", "three")


def test_a_folder_that_is_empty_or_not_there_has_none(tmp_path: Path) -> None:
    assert Branch(name="notes", folder=tmp_path).revisions() == ()
    assert Branch(name="notes", folder=tmp_path / "nowhere").revisions() == ()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a": "revision = 'one'\n"}, r"a\.py must assign revision and down_revision"),
        ({"a": "revision = name()\ndown_revision = None\n"}, r"a\.py must assign"),
        ({"a": "revision = 'one'\ndown_revision = ('x', 'y')\n"}, r"a\.py must assign"),
        ({"a": "revision = 'one'\ndown_revision = 'zero'\n"}, "one not in line"),
        ({n: f"revision = '{n}'\ndown_revision = None\n" for n in "ab"}, "both follow nothing: a and b"),
        ({n: f"revision = '{n}'\ndown_revision = '{d}'\n" for n, d in ("ab", "ba")}, "a, b not in line"),
        (
            {"a": "revision = 'a'\ndown_revision = None\n"}
            | {n: f"revision = '{n}'\ndown_revision = 'a'\n" for n in "bc"},
            "both follow a: b and c",
        ),
    ],
)
def test_what_is_no_line_is_refused(tmp_path: Path, files: dict[str, str], words: str) -> None:
    with pytest.raises(PluginError, match=words):
        written(tmp_path, **files).revisions()


@pytest.mark.parametrize("name", ["", "Notes", "no-tes", "1", "n" * 41, 'x"; drop table y'])
def test_a_name_that_is_no_part_of_a_tables_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PluginError, match="is no name for a branch"):
        Branch(name=name, folder=tmp_path).revisions()


def test_the_core_has_its_migrations() -> None:
    assert CORE.revisions()[0] == "0001_accounts"
    assert CORE.table == "schema_version_core"
