"""90 days of calls, made up in the database's own SQL.

The dice are arithmetic on a row's number, in whole numbers that PostgreSQL and SQLite reckon alike: the same rows each
time, in both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import time
from typing import Final

from sqlalchemy import Connection, text

from cognitude_plugins.gateway.ledger.rebuild import rebuild
from cognitude_plugins.gateway.ledger.rollups import DAY_MS
from cognitude_plugins.gateway.ledger.row import COLUMNS
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade

from .quarter_sums import add_up

DAYS: Final = 90
ORGANIZATION: Final = "default"
"""Whose nine of ten rows are; three others have the rest."""
KEYS: Final = 50
MODELS: Final = 10

_FACES: Final = 2**31
_PORTION: Final = 100_000

# A fifth of the rows ask what others have asked too: what a row is made of comes from its prompt's number.
_PROMPT: Final = "CASE WHEN {repeated} < {faces} / 5 THEN {dice} % ({rows} / 500 + 1) ELSE {rows} + number END"

_OUTPUT: Final = "(20 + 900 * (two * four / {faces}) / {faces})"
_COST: Final = "(prompt_size + 4 * answer_size) * 100 * (model_number + 1) * (model_number + 1)"
VALUES: Final = {
    # As long as the gateway's own.
    "id": "'req_' || (1000000000000000 + at) || (1000000000000000 + number)",
    "time_ms": "at",
    "organization": "CASE WHEN whose < 9 THEN 'default' ELSE 'organization-' || (number % 3 + 1) END",
    "key": "'key-' || key_number",
    "user": "CASE WHEN key_number % 5 > 0 THEN 'user-' || (key_number * 10 + number % 10) END",
    "api": "'chat'",
    "requested_model": "CASE WHEN prompt % 5 = 0 THEN 'auto' ELSE 'model-' || model_number END",
    "model": "'model-' || model_number",
    "provider": "CASE WHEN outcome = 'provider' THEN 'provider-' || (model_number / 3) ELSE '' END",
    "deployment": "CASE WHEN outcome = 'provider' THEN 'model-' || model_number END",
    "source": "outcome",
    "status": "CASE WHEN outcome = 'error' THEN 429 + number % 2 * 73 ELSE 200 END",
    "stream": "number % 2 = 0",
    "complete": "number % 100 <> 7",
    "error": "CASE WHEN outcome = 'error' THEN 'provider_error' END",
    "prompt_tokens": "CASE WHEN outcome <> 'error' THEN prompt_size END",
    "completion_tokens": "CASE WHEN outcome <> 'error' THEN answer_size END",
    "cached_tokens": "CASE WHEN outcome = 'provider' AND number % 4 = 0 THEN prefix_size END",
    "cache_write_tokens": "NULL",
    "reasoning_tokens": "CASE WHEN outcome = 'provider' AND model_number > 6 THEN answer_size / 2 END",
    "usage_reported": "CASE WHEN outcome = 'provider' THEN number % 50 > 0 END",
    "cost_nano_usd": f"CASE outcome WHEN 'provider' THEN {_COST} ELSE 0 END",
    "saved_nano_usd": f"CASE WHEN outcome IN ('redis_cache', 'semantic_cache') THEN {_COST} ELSE 0 END",
    "latency_us": "CASE WHEN outcome = 'provider' THEN 300000 + answer_size * 9000 + jitter / 2000 "
    "ELSE 2000 + jitter / 100000 END",
    "first_token_us": "CASE WHEN outcome = 'provider' THEN 250000 + jitter / 5000 END",
    "overhead_us": "400",
    "attempts": "CASE outcome WHEN 'provider' THEN 1 ELSE 0 END",
    "complexity": "CASE prompt % 10 WHEN 0 THEN NULL WHEN 1 THEN 'complex' WHEN 2 THEN 'complex' WHEN 3 THEN 'medium' "
    "WHEN 4 THEN 'medium' WHEN 5 THEN 'medium' ELSE 'simple' END",
    "cache_key": "NULL",
    "route": "CASE WHEN prompt % 5 = 0 THEN 'complexity: simple' END",
    "decisions": "NULL",
    "tried": "NULL",
    "max_tokens": "CASE prompt % 4 WHEN 0 THEN NULL WHEN 1 THEN 512 WHEN 2 THEN 1024 ELSE 4096 END",
    "request_digest": "prompt * 1000003 + 17",
    "shape_digest": "CASE WHEN prompt % 3 = 0 THEN prompt % 5000 ELSE prompt END * 1000003 + 29",
    "prefix_digest": "CASE WHEN prefix_size > 0 THEN prompt % 200 * 1000003 + 31 END",
    "prefix_tokens": "CASE WHEN prefix_size > 0 THEN prefix_size END",
    "tags": "CASE WHEN key_number % 10 < 7 THEN '{\"team\":\"team-' || (key_number % 7) || '\"}' ELSE '{}' END",
}
"""Of each column: what it is, in terms of a line of `_lines`."""


def load(storage: Storage, rows: int, lock: Path, told: Callable[[str], None], now: Callable[[], float] = time) -> None:
    """``rows`` calls, evenly over the 90 days of UTC that end with today, and all sums of them, into an empty database.

    Afterwards the tables are analysed, as the databases do by themselves some time later.
    """
    end = int(now() * 1000)
    start = (end // DAY_MS + 1 - DAYS) * DAY_MS
    upgrade(storage, lock)
    put_rows(storage, rows, start, end, told)
    put_sums(storage, start, told)
    with storage.engine.connect().execution_options(isolation_level="AUTOCOMMIT", immediate=True) as connection:
        connection.execute(text("VACUUM ANALYZE" if storage.dialect == "postgresql" else "ANALYZE"))


def put_rows(storage: Storage, rows: int, start: int, end: int, told: Callable[[str], None]) -> None:
    for first in range(0, rows, _PORTION):
        last = min(first + _PORTION, rows)
        statement = _insert(storage.dialect, first, last - 1, start=start, span=end - start, rows=rows)
        storage.write_now(partial(_run, statement=statement), patient=True)
        if last % 1_000_000 == 0:
            told(f"{last} of {rows} calls")


def put_sums(storage: Storage, start: int, told: Callable[[str], None], days: int = DAYS) -> None:
    """Of the days from ``start`` on."""
    if storage.dialect == "postgresql":
        add_up(storage, start, days, told)
        return
    rebuild(storage, start, start + days * DAY_MS, lambda count: told(f"sums of {count} calls"))


def _run(connection: Connection, *, statement: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
    connection.exec_driver_sql(statement)


def _insert(dialect: str, first: int, last: int, *, start: int, span: int, rows: int) -> str:
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    values = ", ".join(VALUES[name] for name in COLUMNS)
    chosen = f"SELECT {values} FROM ({_lines(dialect, first, last, start, span, rows)}) AS lines"
    # The driver takes % for the beginning of a parameter.
    escaped = chosen.replace("%", "%%") if dialect == "postgresql" else chosen
    return f"INSERT INTO ledger_call ({columns}) {escaped}"


def _lines(dialect: str, first: int, last: int, start: int, span: int, rows: int) -> str:
    numbers = (
        f"SELECT number FROM generate_series({first}::bigint, {last}::bigint) AS number"
        if dialect == "postgresql"
        else f"WITH RECURSIVE numbers(number) AS (SELECT {first} UNION ALL SELECT number + 1 FROM numbers "
        f"WHERE number < {last}) SELECT number FROM numbers"
    )
    repeated, which = _dice("number", 3), _dice("number", 4)
    prompt = _PROMPT.format(repeated=repeated, faces=_FACES, dice=which, rows=rows)
    thrown = f"""
        SELECT number, {start} + number * {span} / {rows} AS at, {prompt} AS prompt, {repeated} < {_FACES} / 5 AS again,
            10 * {_dice("number", 0)} / {_FACES} AS whose, {_dice("number", 5)} AS jitter,
            {KEYS} * ({_dice("number", 1)} * {_dice("number", 2)} / {_FACES}) / {_FACES} AS key_number,
            100 * {_dice("number", 6)} / {_FACES} AS luck
        FROM ({numbers}) AS numbered
    """
    thrown = f"""
        SELECT *, {_dice("prompt", 7)} AS one, {_dice("prompt", 8)} AS two, {_dice("prompt", 9)} AS three,
            {_dice("prompt", 10)} AS four
        FROM ({thrown}) AS thrown
    """
    # Products of two dice, so that the first keys and models and short prompts are the most frequent.
    return f"""
        SELECT *, {MODELS} * (one * two / {_FACES}) / {_FACES} AS model_number,
            100 + 4000 * (one * three / {_FACES}) / {_FACES} AS prompt_size,
            {_OUTPUT.format(faces=_FACES)} AS answer_size,
            CASE WHEN prompt % 5 < 3 AND one * three / {_FACES} > {_FACES} / 3 THEN 1024 ELSE 0 END AS prefix_size,
            CASE WHEN luck < 2 THEN 'error' WHEN again AND luck < 62 THEN 'redis_cache'
                WHEN luck < 24 THEN 'semantic_cache' ELSE 'provider' END AS outcome
        FROM ({thrown}) AS made
    """


def _dice(column: str, which: int) -> str:
    """0 … 2**31 - 1: the middle of the square of a Weyl sequence."""
    weyl = f"({column} * {2654435761 + 2 * 97 * which} % {_FACES})"
    return f"(({weyl} * {weyl} / 32768 + {column} * {40503 + 2 * 1009 * which}) % {_FACES})"
