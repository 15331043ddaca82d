"""The sums of calls made by PostgreSQL itself, in minutes: the same as the gateway's code makes of them in an hour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql

from cognitude_plugins.gateway.ledger.columns import amounts
from cognitude_plugins.gateway.ledger.rollups import DAY_MS, HOUR_MS, MINUTE_MS, SUMS
from cognitude_plugins.gateway.ledger.sketch import ENDS
from cognitude_plugins.gateway.ledger.tables import HORIZONS
from cognitude_plugins.gateway.storage.database import Storage

_WIDTHS: Final = {"ledger_minute": MINUTE_MS, "ledger_hour": HOUR_MS, "ledger_day": DAY_MS}
_LEFT_OUT: Final = ("ledger_total", "ledger_facet_minute", "ledger_facet_quarter")
_NUMBER: Final = """CASE
    WHEN {n} < 128 THEN set_byte('\\x00'::bytea, 0, ({n})::int)
    WHEN {n} < 16384 THEN set_byte(set_byte('\\x0000'::bytea, 0, ({n})::int & 127 | 128), 1, ({n})::int >> 7)
    ELSE set_byte(set_byte(set_byte('\\x000000'::bytea, 0, ({n})::int & 127 | 128), 1, ({n})::int >> 7 & 127 | 128),
        2, ({n})::int >> 14) END"""
"""LEB128, as in `sketch.encode`."""


def add_up(storage: Storage, start: int, days: int, told: Callable[[str], None]) -> None:
    """Of the days from ``start`` on, which have no sums yet.

    By key, user and tag none are made, which is noted down, as after an upgrade: single calls tell what these would.
    """
    storage.write_now(partial(_leave_out, end=start + days * DAY_MS))
    for number in range(days):
        storage.write_now(partial(_add_up, start=start + number * DAY_MS), patient=True)
        told(f"sums of {number + 1} of {days} days")


def _leave_out(connection: Connection, *, end: int) -> None:
    notes = [{"table_name": name, "since_ms": end} for name in _LEFT_OUT]
    connection.execute(HORIZONS.insert(), notes)


def _add_up(connection: Connection, *, start: int) -> None:
    connection.execute(text("SET LOCAL synchronous_commit = off"))
    connection.execute(text("SET LOCAL work_mem = '256MB'"))
    for statement in _statements(start):
        connection.exec_driver_sql(statement)


def _statements(start: int) -> Iterator[str]:
    of_day = f"time_ms >= {start} AND time_ms < {start + DAY_MS}"
    each: dict[str, Any] = {name: _sql(one) for name, one in amounts().items()}
    names = ", ".join(f'"{name}"' for name in SUMS)
    counted = ", ".join(f'sum({each[name]})::bigint AS "{name}"' for name in SUMS)
    added = ", ".join(f'sum("{name}")::bigint' for name in SUMS)
    ends = ", ".join(str(end + 1) for end in ENDS)
    for table, width in _WIDTHS.items():
        yield f"""
            INSERT INTO {table} (organization, start_ms, model, provider, {names}, sketch)
            SELECT organization, start_ms, model, provider, {added},
                string_agg({_NUMBER.format(n="distance")} || {_NUMBER.format(n="calls")}, ''::bytea ORDER BY bucket)
            FROM (
                SELECT *, bucket - lag(bucket, 1, 0) OVER (
                    PARTITION BY organization, start_ms, model, provider ORDER BY bucket
                ) AS distance
                FROM (
                    SELECT organization, time_ms - time_ms %% {width} AS start_ms, model, provider,
                        width_bucket(latency_us, ARRAY[{ends}]::bigint[]) AS bucket, {counted}
                    FROM ledger_call WHERE {of_day} GROUP BY 1, 2, 3, 4, 5
                ) AS bucketed
            ) AS spaced
            GROUP BY 1, 2, 3, 4
        """
    yield f"""
        INSERT INTO ledger_identity_day (organization, start_ms, key, "user", model, provider, {names})
        SELECT organization, {start}, key, coalesce("user", ''), model, provider, {counted}
        FROM ledger_call WHERE {of_day} GROUP BY 1, 2, 3, 4, 5, 6
    """


def _sql(expression: Any) -> str:
    return str(expression.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))
