"""One branch's migrations run by Alembic on a connection that is in a transaction, and how far a database is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table

from hooks import ConfigError, PluginError

from ..foreign import foreign
from ..resolve import one_line
from .branch import Branch


def position(connection: Connection, branch: Branch) -> int:
    """How many of the branch's migrations the database has; raises `ConfigError` if it has others."""
    revisions, found = branch.revisions(), current(connection, branch)
    if found is None:
        return 0
    if found not in revisions:
        raise ConfigError(
            f"the database is newer than this version: it has revision {found!r} of {branch.name}, and "
            f"{revisions[-1] if revisions else 'none'!r} is the last known here. Run the version that migrated it"
        )
    return revisions.index(found) + 1


def current(connection: Connection, branch: Branch) -> str | None:
    """The last migration of the branch that the database has."""
    if not inspect(connection).has_table(branch.table):
        return None
    version: Any = column("version_num")
    rows = connection.execute(select(version).select_from(table(branch.table))).scalars().all()
    if len(rows) > 1:
        raise ConfigError(f"the database's table {branch.table} has {len(rows)} rows where there is one at most")
    return str(rows[0]) if rows else None


def named(branch: Branch, revisions: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{branch.name}@{revision}" for revision in revisions)


def run(connection: Connection, branch: Branch, target: int) -> list[str]:
    """Up or down to the first ``target`` migrations; what was run, as ``branch@revision``."""
    revisions, start = branch.revisions(), position(connection, branch)
    if start == target:
        return []
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = foreign(ScriptDirectory, branch.folder, version_locations=[branch.folder])
    done: list[str] = []

    def steps(heads: Any, context: Any) -> Iterator[Any]:
        at: Any = revisions[start - 1] if start else None
        to = revisions[target - 1] if target else "base"
        found = scripts._upgrade_revs(to, at) if target > start else scripts._downgrade_revs(to, at)
        for step in found:
            done.extend(named(branch, [step.revision.revision]))
            yield step

    context = MigrationContext.configure(connection, opts={"fn": steps, "version_table": branch.table})
    with Operations.context(context), _said(done, branch):
        foreign(context.run_migrations)
    return done


@contextmanager
def _said(done: list[str], branch: Branch) -> Iterator[None]:
    """A failure names the migration and not its statements."""
    try:
        yield
    except PluginError as error:
        where = done[-1] if done else branch.name
        raise PluginError(f"migration {where} failed, nothing was changed: {one_line(error)}") from None
