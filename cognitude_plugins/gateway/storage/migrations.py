"""The tables brought to the state the code wants: migrations under a lease, all of them or none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Table, inspect

from ..foreign import foreign
from .branch import CORE, Branch
from .database import Storage
from .lease import alone
from .steps import named, position, run

log: Final = logging.getLogger("cognitude.storage")

__all__ = ["CORE", "Branch", "BranchState", "Report", "advance", "downgrade", "find", "plan", "state", "upgrade"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """``applied`` and ``undone`` are revisions as ``branch@revision``, in the order in which that was done; ``created``
    the tables of plugins that have no migrations."""

    applied: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    created: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchState:
    """``current`` is None before the first migration, ``head`` where there is none; ``pending`` are to be applied."""

    name: str
    current: str | None
    head: str | None
    pending: tuple[str, ...]


def upgrade(storage: Storage, lock: Path, branches: Sequence[Branch] = (), tables: Sequence[Table] = ()) -> Report:
    """Apply what is missing, blocking. Of several processes the first does it; the others wait and find nothing to do.

    ``lock`` is the file to lock where the database is SQLite. Raises `Unavailable`; `ConfigError` for a database that a
    newer version has migrated; `PluginError` for a migration that failed, and then nothing was changed.
    """
    every = (CORE, *branches)

    def complete(connection: Connection) -> bool:
        reached = all(position(connection, branch) == len(branch.revisions()) for branch in every)
        return reached and not _missing(connection, tables)

    def work(connection: Connection) -> Report:
        applied = [one for branch in every for one in run(connection, branch, len(branch.revisions()))]
        created = _missing(connection, tables)
        for table in created:
            foreign(table.create, connection)
        return Report(applied=tuple(applied), created=tuple(table.name for table in created))

    return Report() if storage.read_now(complete) else _changed(storage, lock, work)


def downgrade(storage: Storage, lock: Path, revision: str, branches: Sequence[Branch] = ()) -> Report:
    """Undo what came after ``[branch@]revision``, ``base`` being before all; without a branch it is the core's.

    Raises ``ValueError`` for a revision that is not known, and otherwise like `upgrade`.
    """
    branch, target = find(revision, branches)

    def work(connection: Connection) -> Report:
        past = position(connection, branch) > target
        return Report(undone=tuple(run(connection, branch, target)) if past else ())

    return _changed(storage, lock, work)


def advance(storage: Storage, lock: Path, revision: str, branches: Sequence[Branch] = ()) -> Report:
    """Apply one branch's migrations up to ``[branch@]revision``. Raises like `downgrade`."""
    branch, target = find(revision, branches)

    def work(connection: Connection) -> Report:
        ahead = position(connection, branch) < target
        return Report(applied=tuple(run(connection, branch, target)) if ahead else ())

    return _changed(storage, lock, work)


def plan(
    storage: Storage, revision: str | None, branches: Sequence[Branch] = (), tables: Sequence[Table] = ()
) -> Report:
    """What `upgrade` would do, or `downgrade` and `advance` to a revision. Changes nothing, and makes no file."""
    if revision is not None:
        branch, target = find(revision, branches)
        at, revisions = _at(storage, branch), branch.revisions()
        return Report(applied=named(branch, revisions[at:target]), undone=named(branch, revisions[target:at][::-1]))
    applied = [one for branch in (CORE, *branches) for one in named(branch, branch.revisions()[_at(storage, branch) :])]
    missing = storage.read_now(lambda connection: _missing(connection, tables)) if storage.exists else tables
    return Report(applied=tuple(applied), created=tuple(table.name for table in missing))


def state(storage: Storage, branches: Sequence[Branch] = ()) -> tuple[BranchState, ...]:
    """How far the database is, the core first. Raises like `upgrade`."""
    return tuple(_state(branch, _at(storage, branch)) for branch in (CORE, *branches))


def find(revision: str, branches: Sequence[Branch] = ()) -> tuple[Branch, int]:
    """``[branch@]revision`` as a branch and the number of its migrations up to there. ``ValueError`` if unknown."""
    name, _, one = revision.rpartition("@")
    named = {branch.name: branch for branch in (CORE, *branches)}
    branch = named.get(name or CORE.name)
    if branch is None:
        raise ValueError(f"there is no branch {name!r}, but {', '.join(named)}")
    places = ("base", *branch.revisions())
    if one == "head":
        return branch, len(places) - 1
    if one not in places:
        raise ValueError(f"{branch.name} has no revision {one!r}, but {', '.join(places)} and head")
    return branch, places.index(one)


def _changed(storage: Storage, lock: Path, work: Callable[[Connection], Report]) -> Report:
    with storage.reached(), alone(storage, lock) as connection:
        report = work(connection)
    for deed, names in (("applied", report.applied), ("undone", report.undone), ("tables created", report.created)):
        if names:
            log.info("database: %s: %s", deed, ", ".join(names))
    return report


def _at(storage: Storage, branch: Branch) -> int:
    return storage.read_now(lambda connection: position(connection, branch)) if storage.exists else 0


def _state(branch: Branch, at: int) -> BranchState:
    revisions = branch.revisions()
    return BranchState(
        name=branch.name,
        current=revisions[at - 1] if at else None,
        head=revisions[-1] if revisions else None,
        pending=revisions[at:],
    )


def _missing(connection: Connection, tables: Sequence[Table]) -> list[Table]:
    """In an order in which they can be made: what a table refers to comes before it."""
    from sqlalchemy.schema import sort_tables

    present = set(inspect(connection).get_table_names()) if tables else set()
    return [table for table in sort_tables(tables) if table.name not in present]
