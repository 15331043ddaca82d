"""``cognitude migrate``: the database's tables brought up to date, or to one revision; what is missing shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import config_option, json_option, print_json
from .database import opened, told

if TYPE_CHECKING:
    from sqlalchemy import Table

    from cognitude_plugins.gateway.storage.database import Storage
    from cognitude_plugins.gateway.storage.migrations import Branch, BranchState, Report


@click.command("migrate")
@config_option
@click.option(
    "--to",
    "revision",
    metavar="[BRANCH@]REVISION",
    help="Go up or down to this revision of one branch (core by default); head is the last, base is before the first. "
    "Going down deletes what the revisions above it had added, with its data.",
)
@click.option("--dry-run", is_flag=True, help="Change nothing; say how far the database is and what would be applied.")
@json_option
def command(config: Path, revision: str | None, dry_run: bool, as_json: bool) -> None:
    """Bring the database's tables up to date, the core's and the plugins'. A gateway does so when it starts."""
    from cognitude_plugins.gateway.loader import load_file, register
    from cognitude_plugins.gateway.storage.migrations import state
    from cognitude_plugins.gateway.storage.plugin_tables import collect
    from cognitude_plugins.gateway.storage.url import lock_file

    with told():
        found, loaded = load_file(config, os.environ)
        branches, tables = collect(register(loaded), loaded)
        with opened(found) as storage:
            lock = None if dry_run else lock_file(found)
            done = _moved(storage, lock, revision, branches, tables)
            states = state(storage, branches)
            name = repr(storage).removeprefix("Storage(").removesuffix(")")
    if as_json:
        print_json({"database": name, "dry_run": dry_run, **asdict(done), "branches": [_shown(one) for one in states]})
        return
    click.echo(name)
    for line in (*_changes(done, dry_run), *map(_line, states)):
        click.echo(line)


def _moved(
    storage: Storage, lock: Path | None, revision: str | None, branches: Sequence[Branch], tables: Sequence[Table]
) -> Report:
    """Without a lock nothing is done, and what would be is returned."""
    from cognitude_plugins.gateway.storage.migrations import advance, downgrade, plan, upgrade

    try:
        if lock is None:
            return plan(storage, revision, branches, tables)
        if revision is None:
            return upgrade(storage, lock, branches, tables)
        undone = downgrade(storage, lock, revision, branches)
        return undone if undone.undone else advance(storage, lock, revision, branches)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--to") from None


def _changes(report: Report, dry_run: bool) -> list[str]:
    apply, undo, create = ("would apply", "would undo", "would create") if dry_run else ("applied", "undid", "created")
    lines = [
        *(f"{apply} {revision}" for revision in report.applied),
        *(f"{undo} {revision}" for revision in report.undone),
        *(f"{create} table {table}" for table in report.created),
    ]
    return lines or ["nothing to do"]


def _shown(state: BranchState) -> dict[str, Any]:
    return {**asdict(state), "up_to_date": not state.pending}


def _line(state: BranchState) -> str:
    at = state.current or "base"
    todo = f"{len(state.pending)} to apply: {', '.join(state.pending)}" if state.pending else "up to date"
    return f"{state.name}: at {at}, {todo}"
