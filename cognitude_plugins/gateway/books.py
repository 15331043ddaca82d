"""What outlives a configuration: the database, the accounts, the ledger. Opened once, kept over reloads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hooks import Unavailable

from .config import Config
from .ledger.journal import Journal

if TYPE_CHECKING:
    from sqlalchemy import Table

    from .accounts.credentials import Credentials
    from .accounts.directory import Directory
    from .accounts.secret_keys import SecretKeys
    from .ledger.reader import Reader
    from .ledger.writer import Writer
    from .storage.database import Storage
    from .storage.migrations import Branch
    from .storage.tenant import TenantDatabase

log: Final = logging.getLogger("cognitude.books")

TASKS: Final = "books"
"""The name of its tasks, which run until it is released."""
_REFRESH_SECONDS: Final = 1.0
_PRUNE_SECONDS: Final = 600.0
_DRAIN_SECONDS: Final = 10.0


@dataclass(slots=True, kw_only=True)
class Books:
    """``users`` counts the runtimes that lean on it: the last one to `release` it closes it."""

    settings: tuple[Any, ...] = field(repr=False)
    data_dir: Path
    lock: Path
    storage: Storage
    secrets: SecretKeys
    directory: Directory
    credentials: Credentials
    journal: Journal
    writer: Writer
    reader: Reader
    database: TenantDatabase
    users: int = 1
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def prepare(self, branches: Sequence[Branch], tables: Sequence[Table]) -> None:
        """Bring the database up to date for these plugins. Raises `Unavailable`, `ConfigError`."""
        from .storage.migrations import upgrade

        await asyncio.to_thread(upgrade, self.storage, self.lock, branches, tables)

    async def start(self) -> None:
        """Read the accounts, open the journal, begin to write. The database is up to date."""
        await asyncio.to_thread(self.storage.write_now, self._agree)
        await self.directory.load()
        await self.credentials.load()
        await asyncio.to_thread(self.journal.open)
        self._stack.callback(self.storage.close)
        self._stack.push_async_callback(self._settle)
        self._stack.push_async_callback(self.directory.close)
        for work in (self.directory.run(), self._refresh(), self.writer.run(), self._prune()):
            task = asyncio.create_task(work, name=TASKS)
            self._stack.push_async_callback(_ended, task)

    async def release(self) -> None:
        self.users -= 1
        if self.users == 0:
            await self._stack.aclose()

    def status(self) -> dict[str, dict[str, Any]]:
        """The blocks ``database`` and ``ledger`` of ``/health``."""
        database = {"kind": self.storage.dialect, **self.directory.status()}
        ledger = {**self.journal.status(), **self.writer.status()}
        if self.journal.full:
            ledger["status"] = "down"
        return {"database": database, "ledger": ledger}

    def _agree(self, connection: Any) -> None:
        from .accounts.secret_keys import agree

        agree(connection, self.secrets)

    async def _refresh(self) -> None:
        """What was changed in another process is in force here a second later."""
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            await self.credentials.refresh()

    async def _prune(self) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        while True:
            await asyncio.sleep(_PRUNE_SECONDS)
            try:
                await self.writer.prune()
            except (Unavailable, SQLAlchemyError) as error:
                log.warning("old rows of the ledger stay for now: %s", error)

    async def _settle(self) -> None:
        """The journal is closed and what is in it written, as far as the database answers; the rest waits on disk."""
        await asyncio.to_thread(self.journal.close)
        if not await self.writer.drain(_DRAIN_SECONDS):
            log.warning("some rows of the ledger wait in %s for the next start", self.data_dir / "journal")


async def opened(config: Config, before: Books | None, branches: Sequence[Branch], tables: Sequence[Table]) -> Books:
    """The books of this configuration: those of before if their settings are the same. The caller releases them."""
    settings = _settings(config)
    if before is not None and before.settings == settings and before.users > 0:
        before.users += 1
        try:
            await before.prepare(branches, tables)
        except BaseException:
            await before.release()
            raise
        return before
    books = await asyncio.to_thread(_made, config, settings)
    try:
        await books.prepare(branches, tables)
        await books.start()
    except BaseException:
        await books.release()
        books.storage.close()
        raise
    return books


def _settings(config: Config) -> tuple[Any, ...]:
    gateway = config.gateway
    secrets = tuple(secret.get_secret_value() for secret in gateway.secret_keys)
    return (config.services.database, config.data_dir, secrets, gateway.ledger, gateway.outbound)


def _made(config: Config, settings: tuple[Any, ...]) -> Books:
    from .accounts.credentials import Credentials
    from .accounts.directory import Directory
    from .ledger.reader import Reader
    from .ledger.writer import Writer
    from .storage.tenant import TenantDatabase
    from .storage.url import lock_file

    ledger, folder = config.gateway.ledger, config.data_dir / "journal"
    storage, secrets = storage_of(config), secrets_of(config)
    return Books(
        settings=settings,
        data_dir=config.data_dir,
        lock=lock_file(config),
        storage=storage,
        secrets=secrets,
        directory=Directory(storage, secrets),
        credentials=Credentials(storage, secrets),
        journal=Journal(folder, durability=ledger.durability, limit_bytes=ledger.journal_bytes, on_full=ledger.on_full),
        writer=Writer(storage, folder, ledger.retention),
        reader=Reader(storage),
        database=TenantDatabase(storage),
    )


def storage_of(config: Config) -> Storage:
    from .storage.database import Storage
    from .storage.url import database_url

    database = config.services.database
    return Storage(database_url(config), pool=database.pool, timeout=database.timeout)


def secrets_of(config: Config) -> SecretKeys:
    """Raises `ConfigError` or ``OSError`` for a secret that cannot be read."""
    from .accounts.secret_keys import SecretKeys

    configured = [secret.get_secret_value() for secret in config.gateway.secret_keys]
    return SecretKeys.load(configured, config.data_dir / "secret.key")


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
