"""What the gateway lends plugins, for their tests: its database, its gate, its OpenAPI document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
from ruamel.yaml import YAML
from sqlalchemy import Connection, text
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from cognitude_plugins.gateway.auth import WRONG_KEY
from cognitude_plugins.gateway.ledger.reader import Reader
from cognitude_plugins.gateway.ledger.row import COLUMNS
from cognitude_plugins.gateway.ledger.tables import CALLS, HORIZONS
from cognitude_plugins.gateway.openapi import document
from cognitude_plugins.gateway.outbound.addresses import networks
from cognitude_plugins.gateway.outbound.guard import Guard
from cognitude_plugins.gateway.outbound.lent import GuardedOutbound
from cognitude_plugins.gateway.routes import guarded, operations
from cognitude_plugins.gateway.runtime import build
from cognitude_plugins.gateway.storage.branch import Branch
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import downgrade, upgrade
from cognitude_plugins.gateway.storage.tenant import TenantDatabase
from hooks import Caller, ConfigError, Database, Ledger, Outbound, Problem, Reply


class Tables:
    """A plugin's own, made by the migrations in its package."""

    def __init__(self, storage: Storage, folder: Path, plugin: ModuleType) -> None:
        self._storage = storage
        self._lock = folder / "migrations.lock"
        self._name = plugin.__name__.rpartition(".")[2]
        self._branches = [Branch(name=self._name, folder=Path(str(plugin.__file__)).parent / "migrations")]

    @property
    def dialect(self) -> Any:
        """SQLAlchemy's."""
        return self._storage.engine.dialect

    def up(self) -> tuple[str, ...]:
        """The migrations that were applied."""
        return upgrade(self._storage, self._lock, self._branches).applied

    def down(self) -> tuple[str, ...]:
        return downgrade(self._storage, self._lock, f"{self._name}@base", self._branches).undone

    def lent(self) -> Database:
        self.up()
        return TenantDatabase(self._storage)

    def execute(self, statement: str, **values: Any) -> list[Any]:
        def work(connection: Connection) -> list[Any]:
            found = connection.execute(text(statement), values)
            return [tuple(row) for row in found] if found.returns_rows else []

        return self._storage.write_now(work)

    def inspect(self, work: Any) -> Any:
        return self._storage.read_now(work)

    def close(self) -> None:
        self._storage.close()


def sqlite_tables(folder: Path, plugin: ModuleType) -> Tables:
    return Tables(Storage(f"sqlite:///{folder / 'cognitude.db'}"), folder, plugin)


def gated(routes: Iterable[BaseRoute], callers: Mapping[str, Caller]) -> Starlette:
    """An app that lets in whom the gateway would; the header ``who`` names the caller."""

    async def admit(scope: Any) -> Caller | Reply:
        return callers.get(dict(scope["headers"]).get(b"who", b"").decode(), WRONG_KEY)

    return Starlette(routes=guarded(routes, admit, lambda: "id"))


def documented(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI document of these routes alone."""
    return document(operations(list(routes)), version="1")


def configured(folder: Path, base: Mapping[str, Any], snippet: str) -> Any:
    """The runtime of a configuration with the entries of a piece of YAML in it. Raises `hooks.ConfigError`."""
    changed: dict[str, Any] = YAML(typ="safe", pure=True).load(snippet)
    models = {one["name"]: one for one in [*base.get("models", ()), *changed.get("models", ())]}
    path = folder / "plugins.yaml"
    # JSON is YAML.
    path.write_bytes(orjson.dumps({**base, **changed, "models": list(models.values())}))
    return build(path, {})


@asynccontextmanager
async def reaching(*allow: str, allow_http: bool = True) -> AsyncIterator[Outbound]:
    """The gateway's own way out, to these networks and the public ones."""
    made = GuardedOutbound(Guard(allow=networks(allow), allow_http=allow_http))
    try:
        yield made
    finally:
        await made.close()


class KeptCalls:
    """Single calls in the gateway's own table, and what reads them."""

    def __init__(self, storage: Storage, folder: Path) -> None:
        upgrade(storage, folder / "migrations.lock")
        self._storage = storage
        self.ledger: Ledger = Reader(storage)
        self.database: Database = TenantDatabase(storage)

    def put(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Columns that a row leaves out are those of a good answer of a provider."""
        values = [{**_GOOD, "id": f"req_{number}", **row} for number, row in enumerate(rows)]
        for one in values:
            one["tags"] = orjson.dumps(one["tags"]).decode()
        if values:
            self._storage.write_now(lambda connection: connection.execute(CALLS.insert(), values))

    def clear(self) -> None:
        for table in (CALLS, HORIZONS):
            self._storage.write_now(lambda connection, emptied=table: connection.execute(emptied.delete()))

    def keep_since(self, when: datetime) -> None:
        """As if what is older had been deleted for its age; its rows stay, as they do for a while."""
        since = {"table_name": CALLS.name, "since_ms": int(when.timestamp() * 1000)}
        self._storage.write_now(lambda connection: connection.execute(HORIZONS.insert(), since))

    def close(self) -> None:
        self._storage.close()


def sqlite_calls(folder: Path) -> KeptCalls:
    return KeptCalls(Storage(f"sqlite:///{folder / 'cognitude.db'}"), folder)


_GOOD: dict[str, Any] = {
    **dict.fromkeys(COLUMNS),
    "organization": "acme",
    "key": "key-1",
    "api": "chat",
    "source": "provider",
    "provider": "simulated",
    "requested_model": "sim",
    "model": "sim",
    "deployment": "sim",
    "status": 200,
    "stream": False,
    "complete": True,
    "saved_nano_usd": 0,
    "latency_us": 1000,
    "overhead_us": 10,
    "attempts": 1,
    "tags": {},
}


def problems_of(text: str, folder: Path) -> list[Problem]:
    """What is wrong with a configuration, as the gateway that reads it says."""
    path = folder / "plugins.yaml"
    path.write_text(text)
    try:
        build(path, {})
    except ConfigError as error:
        return list(error.problems)
    return []
