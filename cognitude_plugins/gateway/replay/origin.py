"""The installation whose calls are replayed: what is read of it, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from os import environ
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, LargeBinary, MetaData, Table, func, insert, inspect, select

from ..ledger import export
from ..ledger.intake import gather
from ..ledger.records import by_column
from ..ledger.row import COLUMNS, Row
from ..ledger.tables import SEGMENTS
from ..storage.plugin_tables import CORE_PREFIXES, CORE_TABLES

if TYPE_CHECKING:
    from ..config import Config
    from ..runtime import Runtime
    from ..storage.database import Storage

_MOST_ROWS: Final = 20_000
_MOST_BINARY_ROWS: Final = 1_000
"""Of a table of a plugin's; a larger one (kept answers, examples) stays empty."""
_COPIED: Final = frozenset({"organization", "account_revision"})
_MOST_WAITING: Final = 1_000_000
_EVER_MS: Final = 2**62


@dataclass(frozen=True, slots=True)
class Origin:
    """``storage`` is None where there is no database, or one without the tables of this version: then it is empty."""

    config: Config
    storage: Storage | None

    def callers(self) -> Mapping[str, tuple[str, ...] | None]:
        """The models that each key of the database may use."""
        from ..accounts.records import models_of
        from ..accounts.tables import ApiKey

        if self.storage is None:
            return {}
        keys = ApiKey.__table__  # type: ignore[attr-defined]
        asked = select(keys.c.id, keys.c.models)
        found = self.storage.read_now(lambda connection: list(connection.execute(asked)))
        return {row.id: models_of(row.models) for row in found}

    def rows(self, organization: str | None, since_ms: int, until_ms: int) -> Iterator[Row]:
        """In the order of their arrival, with those that are in the journal still. Raises `Unavailable`."""
        if self.storage is None:
            return
        waiting = self._waiting(organization, since_ms, until_ms)
        known = {row["id"] for row in waiting}
        batches = export.rows(self.storage, organization, since_ms, until_ms)
        stored = (row for row in chain.from_iterable(batches) if not known or row["id"] not in known)
        for values in merge(stored, waiting, key=_place):
            yield Row(**{**{name: values[name] for name in COLUMNS}, "tags": _tags(values["tags"])})

    def knows(self, organization: str) -> bool:
        """Whether it is in the configuration, in the database, or has calls of any time."""
        from ..accounts.tables import Organization
        from ..auth import keyring
        from ..ledger.tables import CALLS

        if organization in keyring(self.config.gateway.keys, environ).declared.organizations:
            return True
        if self.storage is None:
            return False
        own = Organization.__table__  # type: ignore[attr-defined]
        asked = (
            select(own.c.id).where(own.c.id == organization),
            select(CALLS.c.organization).where(CALLS.c.organization == organization).limit(1),
        )
        found = self.storage.read_now(lambda connection: [connection.execute(one).first() for one in asked])
        return any(found) or bool(self._waiting(organization, 0, _EVER_MS))

    def count(self, organization: str | None, since_ms: int, until_ms: int) -> int:
        """About how many there are."""
        from ..ledger.tables import CALLS

        if self.storage is None:
            return 0
        asked = select(func.count()).select_from(CALLS)
        asked = asked.where(CALLS.c.time_ms >= since_ms, CALLS.c.time_ms < until_ms)
        if organization is not None:
            asked = asked.where(CALLS.c.organization == organization)
        return int(self.storage.read_now(lambda connection: connection.execute(asked).scalar_one(), patient=True))

    def copied(self, runtime: Runtime) -> None:
        """Organizations, and what plugins have kept for them, into the database of a runtime that is not started."""
        from ..books import storage_of
        from ..storage.migrations import upgrade
        from ..storage.plugin_tables import collect
        from ..storage.url import lock_file

        if self.storage is None:
            return
        config = runtime.config
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        to = storage_of(config)
        try:
            upgrade(to, lock_file(config), *collect(runtime.manager, runtime.loaded))
            names = [name for name in inspect(to.engine).get_table_names() if _is_copied(name)]
            for name in names:
                found = self.storage.read_now(lambda connection, name=name: _read(connection, name))  # type: ignore[misc]
                if found:
                    to.write_now(lambda connection, name=name, found=found: _write(connection, name, found))  # type: ignore[misc]
        finally:
            to.close()

    def _waiting(self, organization: str | None, since_ms: int, until_ms: int) -> list[dict[str, Any]]:
        if self.storage is None:
            return []
        asked = select(SEGMENTS.c.name, SEGMENTS.c.offset)
        offsets = self.storage.read_now(lambda connection: {row.name: row.offset for row in connection.execute(asked)})
        intake = gather(self.config.data_dir / "journal", offsets, _MOST_WAITING)
        found = [by_column(row) for part in intake.parts.values() for row in part.rows]
        wanted = (
            row
            for row in found
            if since_ms <= row["time_ms"] < until_ms and organization in (None, row["organization"])
        )
        return sorted(wanted, key=_place)


def _place(row: Mapping[str, Any]) -> tuple[int, str]:
    return row["time_ms"], row["id"]


def _tags(text: str) -> dict[str, str]:
    found: dict[str, str] = {} if text == "{}" else json.loads(text)
    return found


def _is_copied(name: str) -> bool:
    return name in _COPIED or (name not in CORE_TABLES and not name.startswith(CORE_PREFIXES))


def _read(connection: Connection, name: str) -> list[dict[str, Any]]:
    if not inspect(connection).has_table(name):
        return []
    table = Table(name, MetaData(), autoload_with=connection)
    binary = any(isinstance(column.type, LargeBinary) for column in table.columns)
    most = _MOST_BINARY_ROWS if binary else _MOST_ROWS
    found = [dict(row._mapping) for row in connection.execute(select(table).limit(most + 1))]
    return found if len(found) <= most else []


def _write(connection: Connection, name: str, rows: list[dict[str, Any]]) -> None:
    """Columns that this version does not have are left out."""
    table = Table(name, MetaData(), autoload_with=connection)
    connection.execute(table.delete())
    kept = [{column: value for column, value in row.items() if column in table.columns} for row in rows]
    connection.execute(insert(table), kept)
