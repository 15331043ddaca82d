"""The ledger for commands that read it directly, with what is in the journal still."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .database import open_storage

if TYPE_CHECKING:
    from cognitude_plugins.gateway.config import Config
    from cognitude_plugins.gateway.storage.database import Storage

_SECONDS: Final = 60.0


@contextmanager
def open_ledger(config: Path, environ: Mapping[str, str], organization: str | None = None) -> Iterator[Storage]:
    """The database with all rows that are in this machine's journal now.

    Where a gateway is running it writes them, which is waited for; otherwise they are written here. If that does not
    succeed, a warning says that some are missing, and another if there is no such organization.
    """
    with open_storage(config, environ, migrate=False) as (found, storage):
        if organization is not None:
            _warn_of_unknown(organization, found, storage, environ)
        if not asyncio.run(_drained(found, storage)):
            click.echo(f"warning: some rows still wait in {found.data_dir / 'journal'}", err=True)
        yield storage


def _warn_of_unknown(organization: str, config: Config, storage: Storage, environ: Mapping[str, str]) -> None:
    """It may have been declared once: what the ledger has of it is shown all the same."""
    from cognitude_plugins.gateway.accounts import organizations
    from cognitude_plugins.gateway.accounts.actor import OPERATOR
    from cognitude_plugins.gateway.accounts.refusals import Refusal
    from cognitude_plugins.gateway.auth import keyring

    if organization in keyring(config.gateway.keys, environ).declared.organizations:
        return
    try:
        storage.read_now(lambda connection: organizations.usable(connection, OPERATOR, organization))
    except Refusal as refusal:
        if refusal.kind == "not_found":
            click.echo(f"warning: {refusal.message}", err=True)


async def _drained(config: Config, storage: Storage) -> bool:
    from cognitude_plugins.gateway.ledger.segments import segments
    from cognitude_plugins.gateway.ledger.writer import Writer

    folder = config.data_dir / "journal"
    if not segments(folder):
        return True
    return await Writer(storage, folder, config.gateway.ledger.retention).drain(_SECONDS)
