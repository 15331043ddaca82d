"""Many rows in one statement: as parameters on SQLite, as one JSON value on PostgreSQL.

SQLAlchemy's own ways cost three to six times as much per row, most of it holding the interpreter's lock. SQLite takes
no JSON: that costs it twice to three times as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Table

from .records import ID, Entry
from .rollups import DAY_MS, HOUR_MS, SUMS, Cell, Rollups
from .row import COLUMNS
from .sketch import Buckets, decode, encode, merge
from .tables import CALLS, DAYS, FACET_MINUTES, FACET_QUARTERS, HOURS, IDENTITY_DAYS, MINUTES, TOTALS

_KEY: Final = ("organization", "start_ms", "model", "provider")
_IDENTITY_KEY: Final = ("organization", "start_ms", "key", "user", "model", "provider")
_TOTAL_KEY: Final = ("width_ms", "start_ms", "organization")
_FACET_KEY: Final = ("organization", "start_ms", "facet", "value", "model", "provider")
_KINDS: Final[Mapping[str, str]] = {"TEXT": "text", "BIGINT": "bigint", "BOOLEAN": "boolean", "BLOB": "text"}
# Rows of one SQLite statement, which lets go of the interpreter's lock once and has to wait for it again once. SQLite
# prepares it anew in each transaction (which begins with a pragma that makes it forget), so a longer one costs more.
_AT_ONCE: Final = 25


def insert_calls(connection: Connection, rows: Sequence[Entry]) -> list[Entry]:
    """The rows that were not there yet, each once; in a transaction in which nobody else inserts any."""
    first = {row[ID]: row for row in reversed(rows)}
    if connection.dialect.name == "postgresql":
        objects = [dict(zip(_short(len(COLUMNS)), row, strict=True)) for row in first.values()]
        new = _ids(connection, _insert_postgresql(CALLS, COLUMNS, "NOTHING", 'RETURNING "id"'), objects)
        return [row for id, row in first.items() if id in new]
    known = _ids(connection, 'SELECT "id" FROM "ledger_call" WHERE "id" IN (SELECT value FROM json_each(?))', [*first])
    fresh = [row for id, row in first.items() if id not in known]
    _put_sqlite(connection, CALLS, COLUMNS, "NOTHING", fresh)
    return fresh


def add(connection: Connection, sums: Rollups) -> None:
    """Add to what the tables have; in a transaction in which nobody else changes them."""
    # All of them are made before the first is written, which adds to its sketches what is there.
    made: tuple[tuple[Table, tuple[str, ...], Mapping[Any, Cell]], ...] = (
        (MINUTES, _KEY, sums.minutes),
        (HOURS, _KEY, sums.per(HOUR_MS)),
        (DAYS, _KEY, sums.per(DAY_MS)),
        (TOTALS, _TOTAL_KEY, sums.totals()),
        (FACET_MINUTES, _FACET_KEY, sums.facet_minutes),
        (FACET_QUARTERS, _FACET_KEY, sums.facet_quarters),
    )
    for table, key, cells in made:
        _add_cells(connection, table, key, cells)
    _upsert(connection, IDENTITY_DAYS, _IDENTITY_KEY, [(*key, *cell.sums) for key, cell in sums.identities.items()])


def _add_cells(connection: Connection, table: Table, key: tuple[str, ...], cells: Mapping[Any, Cell]) -> None:
    """Databases cannot add sketches: what is there is read, and the sum written."""
    found = _ask(connection, _select_sketches(table.name, key, connection.dialect.name), [*cells])
    for *place, sketch in found:
        merge(cells[tuple(place)].buckets, decode(bytes(sketch)))
    written: Any = _hex if connection.dialect.name == "postgresql" else encode
    _upsert(connection, table, key, [(*place, *cell.sums, written(cell.buckets)) for place, cell in cells.items()])


def _upsert(connection: Connection, table: Table, key: Sequence[str], lines: list[tuple[Any, ...]]) -> None:
    columns = tuple(column.name for column in table.columns)
    added = [f'"{name}" = "{table.name}"."{name}" + excluded."{name}"' for name in SUMS]
    replaced = [f'"{name}" = excluded."{name}"' for name in columns if name == "sketch"]
    action = f"UPDATE SET {', '.join([*added, *replaced])}"
    if not lines:
        return
    if connection.dialect.name == "postgresql":
        objects = [dict(zip(_short(len(columns)), line, strict=True)) for line in lines]
        _ask(connection, _insert_postgresql(table, columns, action, key=tuple(key)), objects)
    else:
        _put_sqlite(connection, table, columns, action, lines, tuple(key))


def _put_sqlite(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    action: str,
    lines: Sequence[tuple[Any, ...]],
    key: tuple[str, ...] = ("id",),
) -> None:
    whole = len(lines) - len(lines) % _AT_ONCE
    if whole:
        pieces = [tuple(chain(*lines[start : start + _AT_ONCE])) for start in range(0, whole, _AT_ONCE)]
        connection.exec_driver_sql(_insert_sqlite(table, columns, action, key, _AT_ONCE), pieces)
    if whole < len(lines):
        connection.exec_driver_sql(_insert_sqlite(table, columns, action, key), list(lines[whole:]))


def _ids(connection: Connection, statement: str, values: list[Any]) -> set[str]:
    return {row[0] for row in _ask(connection, statement, values)}


def _ask(connection: Connection, statement: str, values: list[Any]) -> Iterable[Any]:
    """A statement whose only parameter is a JSON array."""
    result = connection.exec_driver_sql(statement, (orjson.dumps(values).decode(),))
    return result.all() if result.returns_rows else ()


def _hex(buckets: Buckets) -> str:
    return encode(buckets).hex()


@lru_cache(maxsize=8)
def _short(count: int) -> tuple[str, ...]:
    """Names of members: PostgreSQL takes a quarter less time than for columns' own."""
    return tuple(f"c{place}" for place in range(count))


@lru_cache(maxsize=64)
def _insert_sqlite(
    table: Table, columns: tuple[str, ...], action: str, key: tuple[str, ...] = ("id",), lines: int = 1
) -> str:
    marks = f"({', '.join('?' * len(columns))})"
    return (
        f'INSERT INTO "{table.name}" ({_quoted(columns)}) VALUES {", ".join([marks] * lines)} '
        f"ON CONFLICT ({_quoted(key)}) DO {action}"
    )


@lru_cache(maxsize=64)
def _insert_postgresql(
    table: Table, columns: tuple[str, ...], action: str, rest: str = "", key: tuple[str, ...] = ("id",)
) -> str:
    members = dict(zip(columns, _short(len(columns)), strict=True))
    kinds = [f"{member} {_KINDS[str(table.columns[name].type)]}" for name, member in members.items()]
    chosen = [f"decode({member}, 'hex')" if name == "sketch" else member for name, member in members.items()]
    return (
        f'INSERT INTO "{table.name}" ({_quoted(columns)}) SELECT {", ".join(chosen)} '
        f"FROM json_to_recordset(%s::json) AS r({', '.join(kinds)}) ON CONFLICT ({_quoted(key)}) DO {action} {rest}"
    )


@lru_cache(maxsize=8)
def _select_sketches(table: str, key: tuple[str, ...], dialect: str) -> str:
    if dialect == "postgresql":
        parts = ", ".join(
            f"(k.value->>{place})::bigint" if name.endswith("_ms") else f"k.value->>{place}"
            for place, name in enumerate(key)
        )
        keys = f"SELECT {parts} FROM json_array_elements(%s::json) AS k"
    else:
        parts = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(key)))
        keys = f"SELECT {parts} FROM json_each(?)"
    return f'SELECT {_quoted((*key, "sketch"))} FROM "{table}" WHERE ({_quoted(key)}) IN ({keys})'


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
