"""Migrations: once, in order, all or nothing, and what they do not touch is not touched; on both databases."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, insert, inspect, select, text
from sqlalchemy.types import BigInteger, Boolean, DateTime, Float, LargeBinary, Numeric, TypeEngine

from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import (
    CORE,
    Branch,
    Report,
    advance,
    downgrade,
    find,
    plan,
    state,
    upgrade,
)
from hooks import ConfigError, PluginError

ROWS = 10_000
Migrations = Callable[..., Branch]

NOTE = 'op.create_table("note", sa.Column("id", sa.Integer, primary_key=True))'


@pytest.fixture
def branch(tmp_path: Path) -> Migrations:
    """A branch of these upgrades; each downgrade drops the table ``note`` or does nothing."""

    def write(*upgrades: str, name: str = "notes", down: str = "pass") -> Branch:
        folder = tmp_path / f"{name}-migrations"
        folder.mkdir(exist_ok=True)
        before = None
        for number, body in enumerate(upgrades, 1):
            revision = f"{number:04}"
            (folder / f"{revision}_step.py").write_text(
                f'"""Step."""\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
                f"revision = {revision!r}\ndown_revision = {before!r}\n\n"
                f"def upgrade():\n    {body}\n\ndef downgrade():\n    {down}\n"
            )
            before = revision
        return Branch(name=name, folder=folder)

    return write


def tables_of(storage: Storage) -> set[str]:
    return storage.read_now(lambda connection: set(inspect(connection).get_table_names()))


def heads(*branches: Branch) -> list[str]:
    return [f"{one.name}@{revision}" for one in (CORE, *branches) for revision in one.revisions()]


def test_everything_is_applied_once_and_in_order(empty_database: Storage, branch: Migrations, tmp_path: Path) -> None:
    notes = branch(NOTE, "op.execute('INSERT INTO note VALUES (1)')")
    assert upgrade(empty_database, tmp_path / "lock", [notes]) == Report(applied=tuple(heads(notes)))
    assert upgrade(empty_database, tmp_path / "lock", [notes]) == Report()
    [core, plugin] = state(empty_database, [notes])
    assert (core.current, core.pending) == (CORE.revisions()[-1], ())
    assert (plugin.name, plugin.current, plugin.head, plugin.pending) == ("notes", "0002", "0002", ())


def test_a_new_migration_is_applied_alone(empty_database: Storage, branch: Migrations, tmp_path: Path) -> None:
    upgrade(empty_database, tmp_path / "lock", [branch(NOTE)])
    more = branch(NOTE, "op.add_column('note', sa.Column('text', sa.Text))")
    assert state(empty_database, [more])[1].pending == ("0002",)
    assert upgrade(empty_database, tmp_path / "lock", [more]).applied == ("notes@0002",)


def test_two_plugins_may_have_the_same_revisions(empty_database: Storage, branch: Migrations, tmp_path: Path) -> None:
    two = [branch(NOTE), branch(NOTE.replace("note", "other"), name="others")]
    assert upgrade(empty_database, tmp_path / "lock", two).applied[-2:] == ("notes@0001", "others@0001")
    assert {"note", "other"} <= tables_of(empty_database)


def test_a_plugin_that_is_taken_out_keeps_its_tables_and_disturbs_nobody(
    empty_database: Storage, branch: Migrations, tmp_path: Path
) -> None:
    upgrade(empty_database, tmp_path / "lock", [branch(NOTE)])
    assert upgrade(empty_database, tmp_path / "lock") == Report()
    assert "note" in tables_of(empty_database)


@pytest.mark.parametrize("failing", ["raise KeyError('in the middle')", "op.execute('INSERT INTO nowhere VALUES (1)')"])
def test_a_migration_that_fails_in_its_middle_leaves_nothing(
    empty_database: Storage, branch: Migrations, tmp_path: Path, failing: str
) -> None:
    broken = branch(NOTE, f"op.create_table('half', sa.Column('id', sa.Integer)); {failing}")
    with pytest.raises(PluginError, match="migration notes@0002 failed, nothing was changed") as raised:
        upgrade(empty_database, tmp_path / "lock", [broken])
    assert "INSERT" not in str(raised.value)
    assert tables_of(empty_database) == set()
    upgrade(empty_database, tmp_path / "lock", [branch(NOTE, "pass")])
    assert "note" in tables_of(empty_database)
    assert "half" not in tables_of(empty_database)


def test_a_downgrade_that_fails_in_its_middle_leaves_everything(
    empty_database: Storage, branch: Migrations, tmp_path: Path
) -> None:
    notes = branch(NOTE, down="op.drop_table('note'); raise KeyError('in the middle')")
    upgrade(empty_database, tmp_path / "lock", [notes])
    with pytest.raises(PluginError, match="notes@0001 failed"):
        downgrade(empty_database, tmp_path / "lock", "notes@base", [notes])
    assert "note" in tables_of(empty_database)
    assert state(empty_database, [notes])[1].current == "0001"


def test_a_database_that_a_newer_version_migrated_is_refused(
    empty_database: Storage, branch: Migrations, tmp_path: Path
) -> None:
    upgrade(empty_database, tmp_path / "lock", [branch(NOTE, "pass")])
    older = Branch(name="notes", folder=branch(NOTE).folder)
    (older.folder / "0002_step.py").unlink()
    for deed in (
        lambda: upgrade(empty_database, tmp_path / "lock", [older]),
        lambda: downgrade(empty_database, tmp_path / "lock", "notes@base", [older]),
        lambda: state(empty_database, [older]),
    ):
        with pytest.raises(ConfigError, match=r"newer than this version.*'0002' of notes.*'0001' is the last"):
            deed()
    assert "note" in tables_of(empty_database)


def test_down_and_up_again_to_a_revision(empty_database: Storage, branch: Migrations, tmp_path: Path) -> None:
    notes, lock = branch(NOTE, "pass", "pass"), tmp_path / "lock"
    upgrade(empty_database, lock, [notes])
    assert downgrade(empty_database, lock, "notes@0001", [notes]).undone == ("notes@0003", "notes@0002")
    assert downgrade(empty_database, lock, "notes@0002", [notes]) == Report()
    assert advance(empty_database, lock, "notes@0002", [notes]).applied == ("notes@0002",)
    assert advance(empty_database, lock, "notes@0001", [notes]) == Report()
    assert advance(empty_database, lock, "notes@head", [notes]).applied == ("notes@0003",)


def test_a_plan_says_what_would_be_done_and_does_not_do_it(
    empty_database: Storage, branch: Migrations, tmp_path: Path
) -> None:
    notes = branch(NOTE, "pass")
    table = Table("plain", MetaData(), Column("id", Integer, primary_key=True))
    assert plan(empty_database, None, [notes], [table]) == Report(applied=tuple(heads(notes)), created=("plain",))
    if empty_database.dialect == "sqlite":
        assert not (tmp_path / "cognitude.db").exists()
    assert tables_of(empty_database) == set()
    upgrade(empty_database, tmp_path / "lock", [notes])
    assert plan(empty_database, "notes@base", [notes]).undone == ("notes@0002", "notes@0001")
    assert plan(empty_database, "notes@head", [notes]) == Report()
    assert state(empty_database, [notes])[1].pending == ()


@pytest.mark.parametrize("revision", ["notes@0009", "nothing@0001", "0009", "notes@", ""])
def test_an_unknown_revision_is_told_with_those_there_are(branch: Migrations, revision: str) -> None:
    with pytest.raises(ValueError, match=", "):
        find(revision, [branch(NOTE)])


def test_tables_of_plugins_without_migrations_are_created_where_they_are_missing(
    empty_database: Storage, tmp_path: Path
) -> None:
    metadata = MetaData()
    child = Table("a_child", metadata, Column("id", Integer, primary_key=True), Column("of", ForeignKey("parent.id")))
    parent = Table("parent", metadata, Column("id", Integer, primary_key=True))
    assert upgrade(empty_database, tmp_path / "lock", (), [child, parent]).created == ("parent", "a_child")
    empty_database.write_now(lambda connection: connection.execute(insert(parent).values(id=7)))
    more = Table("more", metadata, Column("id", Integer, primary_key=True))
    assert upgrade(empty_database, tmp_path / "lock", (), [child, parent, more]).created == ("more",)
    assert empty_database.read_now(lambda connection: connection.execute(select(parent.c.id)).scalars().all()) == [7]


FAMILY = (
    "op.create_table('parent', sa.Column('id', sa.Integer, primary_key=True), sa.Column('old', sa.Text)); "
    "op.create_table('child', sa.Column('id', sa.Integer, sa.ForeignKey('parent.id', ondelete='CASCADE')))"
)
SMALLER = (
    "b = op.batch_alter_table('parent', recreate='always'); p = b.__enter__(); p.drop_column('old'); b.__exit__({})"
)


def test_a_table_that_sqlite_makes_anew_does_not_empty_those_that_refer_to_it(
    sqlite_url: str, branch: Migrations, tmp_path: Path
) -> None:
    storage, lock = Storage(sqlite_url), tmp_path / "lock"
    upgrade(storage, lock, [branch(FAMILY)])

    def fill(connection: Any) -> None:
        connection.execute(text("INSERT INTO parent (id) VALUES (1), (2)"))
        connection.execute(text("INSERT INTO child (id) VALUES (1), (2)"))

    storage.write_now(fill)
    upgrade(storage, lock, [branch(FAMILY, SMALLER.format("None, None, None"))])
    assert storage.read_now(lambda one: one.execute(text("SELECT count(*) FROM child")).scalar_one()) == 2
    assert storage.read_now(lambda one: one.execute(text("PRAGMA foreign_keys")).scalar_one()) == 1
    orphans = branch(FAMILY, "pass", "op.execute('DELETE FROM parent WHERE id = 2')")
    with pytest.raises(PluginError, match="without the row they refer to in child"):
        upgrade(storage, lock, [orphans])
    assert storage.read_now(lambda one: one.execute(text("SELECT count(*) FROM parent")).scalar_one()) == 2
    storage.close()


def value_of(column: Column[Any], number: int) -> object:
    """One that differs from row to row, and is that of the referred column where there is one."""
    for key in column.foreign_keys:
        return value_of(key.column, number)
    kind: TypeEngine[Any] = column.type
    if column.nullable and number % 3 == 0:
        return None
    if isinstance(kind, Boolean):
        return number % 2 == 0
    if isinstance(kind, Integer | BigInteger):
        return 1_000_000 + number
    if isinstance(kind, Float | Numeric):
        return number / 7
    if isinstance(kind, LargeBinary):
        return f"{column.name}-{number}".encode()
    return datetime.fromtimestamp(number, UTC) if isinstance(kind, DateTime) else f"{column.name}-{number}"


def reflected(storage: Storage) -> MetaData:
    metadata = MetaData()
    storage.read_now(metadata.reflect)
    for table in list(metadata.tables.values()):
        if table.name.startswith("schema_version_"):
            metadata.remove(table)
    return metadata


def fill(storage: Storage) -> None:
    """Every table, whatever it is, gets its rows."""
    tables = [table for table in reflected(storage).sorted_tables if not count(storage, table) >= ROWS]

    def work(connection: Any) -> None:
        for table in tables:
            rows = [{column.name: value_of(column, number) for column in table.columns} for number in range(ROWS)]
            connection.execute(insert(table), rows)

    storage.write_now(work, patient=True)


def count(storage: Storage, table: Table) -> int:
    return storage.read_now(lambda one: one.execute(text(f"SELECT count(*) FROM {table.name}")).scalar_one())


def contents(storage: Storage, names: dict[str, list[str]]) -> dict[str, set[tuple[Any, ...]]]:
    """The rows of these columns of these tables."""

    def work(connection: Any) -> dict[str, set[tuple[Any, ...]]]:
        found = {}
        for table, columns in names.items():
            quoted = ", ".join(f'"{column}"' for column in columns)
            rows = connection.execute(text(f'SELECT {quoted} FROM "{table}"'))
            found[table] = {tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows}
        return found

    return storage.read_now(work, patient=True)


def columns_of(storage: Storage) -> dict[str, list[str]]:
    return {name: [column.name for column in table.columns] for name, table in reflected(storage).tables.items()}


def without_notes(found: dict[str, set[tuple[Any, ...]]]) -> dict[str, set[tuple[Any, ...]]]:
    """A migration notes down from when on the sums are complete that it makes."""
    made = {"ledger_total", "ledger_facet_minute", "ledger_facet_quarter"}
    return {name: {row for row in rows if made.isdisjoint(row)} for name, rows in found.items()}


def test_up_down_and_up_with_ten_thousand_rows_in_every_table(empty_database: Storage, tmp_path: Path) -> None:
    """Each time one revision further down: what it is to keep, no one before it has touched."""
    storage, lock = empty_database, tmp_path / "lock"
    upgrade(storage, lock)
    fill(storage)
    full = columns_of(storage)
    assert full
    assert all(len(rows) >= ROWS for rows in contents(storage, {k: v[:3] for k, v in full.items()}).values())
    for revision in reversed(["base", *CORE.revisions()[:-1]]):
        before = contents(storage, full)
        downgrade(storage, lock, revision)
        left = columns_of(storage)
        shared = {name: [one for one in full[name] if one in left[name]] for name in left if name in full}
        kept = {
            name: {tuple(row[full[name].index(c)] for c in shared[name]) for row in before[name]} for name in shared
        }
        assert without_notes(contents(storage, shared)) == without_notes(kept)
        upgrade(storage, lock)
        assert columns_of(storage) == full
        assert without_notes(contents(storage, shared)) == without_notes(kept)
    downgrade(storage, lock, "base")
    assert columns_of(storage) == {}


RACE = """
import json, sys
from pathlib import Path
from cognitude_plugins.gateway.storage import engines
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import Branch, upgrade

# SQLite's own patience is no lease: a migration may take longer than it lasts.
engines._BUSY_SECONDS = 0.2
url, lock, folder = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
storage = Storage(url)
report = upgrade(storage, Path(lock), [Branch(name="notes", folder=Path(folder))])
print(json.dumps(report.applied))
storage.close()
"""


def test_of_four_processes_that_start_at_once_one_migrates(
    database_url: str, branch: Migrations, tmp_path: Path
) -> None:
    notes = branch(NOTE, "import time; time.sleep(0.5); op.execute('INSERT INTO note VALUES (1)')")
    first = Storage(database_url)
    first.read_now(lambda one: one.execute(text("SELECT 1")).scalar_one())
    first.close()
    command = [sys.executable, "-c", RACE, database_url, str(tmp_path / "lock"), str(notes.folder)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for one in processes:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in processes:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    applied = [json.loads(one.communicate(timeout=60)[0]) for one in processes]
    assert [one.returncode for one in processes] == [0] * 4
    assert sorted(applied, key=len) == [[], [], [], heads(notes)]
    storage = Storage(database_url)
    assert storage.read_now(lambda one: one.execute(text("SELECT count(*) FROM note")).scalar_one()) == 1
    storage.close()


def test_nothing_is_printed_and_the_root_logger_is_left_alone(
    empty_database: Storage, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "cognitude.storage")
    root = logging.getLogger()
    before = (root.level, list(root.handlers), root.disabled, logging.getLogger("cognitude").disabled)
    upgrade(empty_database, tmp_path / "lock")
    assert (root.level, list(root.handlers), root.disabled, logging.getLogger("cognitude").disabled) == before
    assert capfd.readouterr() == ("", "")
    assert [one.getMessage() for one in caplog.records] == [f"database: applied: {', '.join(heads())}"]


def test_an_up_to_date_database_needs_no_alembic(sqlite_url: str, tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from cognitude_plugins.gateway.storage.database import Storage\n"
        "from cognitude_plugins.gateway.storage.migrations import upgrade\n"
        "storage = Storage(sys.argv[1])\nprint(upgrade(storage, Path(sys.argv[2])).applied, 'alembic' in sys.modules)\n"
    )
    command = [sys.executable, "-c", program, sqlite_url, str(tmp_path / "lock")]
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert said[0].endswith("True\n")
    assert said[1] == "() False\n"


def test_who_waits_for_the_lease_waits_and_does_not_fail(sqlite_url: str, branch: Migrations, tmp_path: Path) -> None:
    """The other process' migration takes longer than SQLite itself would wait: here it is the lock that is held."""
    import fcntl
    from threading import Timer

    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        Timer(0.5, fcntl.flock, (held, fcntl.LOCK_UN)).start()
        start = time.monotonic()
        storage = Storage(sqlite_url)
        assert upgrade(storage, tmp_path / "lock").applied
        assert time.monotonic() - start >= 0.5
        storage.close()
