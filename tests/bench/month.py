"""A month of calls, made up by PostgreSQL itself and put into the ledger; their sums are made by the gateway's code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import time
from typing import Any, Final

import psycopg

from cognitude_plugins.gateway.ledger.rebuild import rebuild
from cognitude_plugins.gateway.ledger.rollups import DAY_MS
from cognitude_plugins.gateway.ledger.row import COLUMNS
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade

DAYS: Final = 30
ORGANIZATIONS: Final = 20
KEYS: Final = 50
"""Of each organization; two of one user."""
MODELS: Final = 5

_PORTIONS: Final = 10
_MODEL: Final = "'model-' || model_number"
VALUES: Final = {
    "id": "'req_' || lpad(to_hex(at), 12, '0') || lpad(to_hex(number), 20, '0')",
    "time_ms": "at",
    # `default` is the one whose key the gateway has from its environment.
    "organization": "CASE organization_number WHEN 0 THEN 'default' ELSE 'organization-' || organization_number END",
    "key": "'key-' || organization_number || '-' || key_number",
    "user": "'user-' || key_number / 2",
    "api": "'chat'",
    "requested_model": _MODEL,
    "model": _MODEL,
    "provider": "'provider-' || model_number / 2",
    "deployment": _MODEL,
    "source": "CASE WHEN failed THEN 'error' ELSE 'provider' END",
    "status": "CASE WHEN failed THEN 502 ELSE 200 END",
    "stream": "tokens % 2 = 0",
    "complete": "true",
    "error": "CASE WHEN failed THEN 'provider_error' END",
    "prompt_tokens": "tokens",
    "completion_tokens": "tokens / 4",
    "cached_tokens": "tokens / 2",
    "cache_write_tokens": "0",
    "reasoning_tokens": "0",
    "usage_reported": "true",
    "cost_nano_usd": "CASE WHEN failed THEN 0 ELSE tokens * 1500 END",
    "saved_nano_usd": "0",
    "latency_us": "latency",
    "first_token_us": "latency / 4",
    "overhead_us": "400",
    "attempts": "1",
    "complexity": "NULL",
    "cache_key": "NULL",
    "route": "NULL",
    "decisions": "NULL",
    "tried": "NULL",
    "max_tokens": "NULL",
    "request_digest": "NULL",
    "shape_digest": "NULL",
    "prefix_digest": "NULL",
    "prefix_tokens": "NULL",
    "tags": "'{}'",
}
"""Of each column: what it is, in terms of a line of `_DICE`."""

_DICE: Final = """
    SELECT number, {start} + number * {span} / {rows} AS at,
        floor({organizations} * random() * random())::int AS organization_number,
        floor({keys} * random())::int AS key_number,
        floor({models} * random() * random())::int AS model_number,
        floor(100 + 4000 * random() * random())::bigint AS tokens,
        floor(100000 * exp(3 * random()))::bigint AS latency,
        random() < 0.02 AS failed
    FROM generate_series({first}::bigint, {last}::bigint) AS number
"""
"""Products of two dice, so that the first organizations, models and short prompts are the most frequent."""


def load(url: str, rows: int, folder: Path, told: Callable[[str], None], now: Callable[[], float] = time) -> None:
    """``rows`` calls, evenly over the last 30 days up to now, and all sums of them, into an empty PostgreSQL database.

    Afterwards the tables are vacuumed and analysed, as PostgreSQL does by itself some minutes later.
    """
    end = int(now() * 1000)
    start = (end // DAY_MS + 1 - DAYS) * DAY_MS
    storage = Storage(url)
    try:
        upgrade(storage, folder / "load.lock")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET synchronous_commit = off")
            connection.execute("SELECT setseed(0.5)")
            for part in range(_PORTIONS):
                first, last = rows * part // _PORTIONS, rows * (part + 1) // _PORTIONS
                connection.execute(_insert(first, last - 1, start=start, span=end - start, rows=rows))
                told(f"{last} of {rows} calls")
            rebuild(storage, start, start + DAYS * DAY_MS, lambda count: told(f"sums of {count} calls"))
            connection.execute("VACUUM ANALYZE")
    finally:
        storage.close()


def _insert(first: int, last: int, **dice: int) -> bytes:
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    values = ", ".join(VALUES[name] for name in COLUMNS)
    sizes: dict[str, Any] = {"organizations": ORGANIZATIONS, "keys": KEYS, "models": MODELS}
    lines = _DICE.format(first=first, last=last, **sizes, **dice)
    return f"INSERT INTO ledger_call ({columns}) SELECT {values} FROM ({lines}) AS dice".encode()
