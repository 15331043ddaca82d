"""A plugin from a file may define tables and be loaded again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel

from cognitude_plugins.gateway.resolve import installed, resolve
from cognitude_plugins.gateway.storage.redefined import discard
from hooks import PluginError

PLUGIN = """
from sqlmodel import Field, Relationship, SQLModel
from hooks import hookimpl

class RedefinedOwner(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    organization: str
    things: list["RedefinedThing"] = Relationship(back_populates="owner")

class RedefinedThing(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    organization: str
    owner_id: int | None = Field(default=None, foreign_key="redefinedowner.id")
    owner: RedefinedOwner = Relationship(back_populates="things")
    {column}

class Plugin:
    @hookimpl
    def tables(self):
        return [RedefinedOwner, RedefinedThing]
    make = RedefinedThing
    parent = RedefinedOwner
"""
NAMES = {"redefinedowner", "redefinedthing"}


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN.format(column=""))
    yield path
    for name in [name for name in sys.modules if name.startswith("cognitude_file_mine_")]:
        discard(sys.modules.pop(name))


def loaded(file: Path) -> Any:
    return resolve("./mine.py", file.parent, installed()).target


def test_it_can_be_loaded_again_and_the_new_tables_are_those_known(file: Path) -> None:
    first = loaded(file)
    file.write_text(PLUGIN.format(column="color: str = 'red'"))
    second = loaded(file)
    assert second.make is not first.make
    assert SQLModel.metadata.tables["redefinedthing"] is second.make.__table__
    assert second.make(organization="a", owner=second.parent(organization="a")).color == "red"
    third = loaded(file)
    assert third.make(organization="a").color == "red"


def test_the_old_tables_go_on_working_for_calls_in_flight(file: Path) -> None:
    first = loaded(file)
    loaded(file)
    owner = first.parent(organization="a")
    assert first.make(organization="a", owner=owner).owner is owner
    assert "redefinedthing.organization" in str(first.make.__table__.select())


@pytest.mark.parametrize("where", ["start", "end"])
def test_a_file_that_fails_leaves_the_tables_of_before(file: Path, where: str) -> None:
    first = loaded(file)
    good = file.read_text()
    file.write_text(f"raise KeyError('x')\n{good}" if where == "start" else f"{good}\nraise KeyError('x')\n")
    for _ in range(2):
        with pytest.raises(PluginError, match="KeyError"):
            loaded(file)
        assert SQLModel.metadata.tables["redefinedthing"] is first.make.__table__
        assert SQLModel.metadata.tables["redefinedowner"] is first.parent.__table__
    file.write_text(good)
    second = loaded(file)
    assert second.make(organization="a", owner=second.parent(organization="b")).owner.organization == "b"


def test_a_file_that_fails_at_first_leaves_none(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN.format(column="") + "\nraise KeyError('x')\n")
    with pytest.raises(PluginError, match="KeyError"):
        loaded(path)
    assert not NAMES & set(SQLModel.metadata.tables)


def test_tables_that_never_fitted_together_do_not_stand_in_the_way(file: Path) -> None:
    good = file.read_text()
    file.write_text(good.replace('list["RedefinedThing"]', 'list["NoSuchThing"]'))
    loaded(file)
    file.write_text(good)
    second = loaded(file)
    assert second.make(organization="a", owner=second.parent(organization="b")).owner.organization == "b"
