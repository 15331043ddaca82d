"""Sums by key, user and tag, and of all models together; answers of status 429 counted in every sum.

What was written before has none of the former: from the next midnight of UTC on they are complete, and until then, also
for a process of an older version that goes on for some minutes, the single calls tell what they would.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006_facets"
down_revision = "0005_jobs"
branch_labels = None
depends_on = None

_FACETS = ("ledger_facet_minute", "ledger_facet_quarter")
_NEW = ("ledger_total", *_FACETS)
_COUNTING = ("ledger_minute", "ledger_hour", "ledger_day", "ledger_identity_day")
_SUMS = (
    "calls",
    "errors",
    "limited",
    "hits",
    "incomplete",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cost_nano_usd",
    "saved_nano_usd",
    "unpriced",
    "latency_us_sum",
)
_DAY_MS = 86_400_000


def upgrade() -> None:
    for table in _COUNTING:
        op.add_column(table, sa.Column("limited", sa.BigInteger, nullable=False, server_default="0"))
    _create_sums("ledger_total", _number("width_ms"), _number("start_ms"), *_texts("organization"))
    for table in _FACETS:
        names = _texts("facet", "value", "model", "provider")
        _create_sums(table, *_texts("organization"), _number("start_ms"), *names)
    days = sa.table("ledger_day", sa.column("start_ms", sa.BigInteger))
    last = op.get_bind().execute(sa.select(sa.func.max(days.c.start_ms))).scalar()
    if last is not None:
        since = max(int(time.time() * 1000) // _DAY_MS * _DAY_MS, last) + _DAY_MS
        op.bulk_insert(_horizons(), [{"table_name": table, "since_ms": since} for table in _NEW])


def _create_sums(table: str, *key: sa.Column[Any]) -> None:
    sums = [sa.Column(name, sa.BigInteger, nullable=False) for name in _SUMS]
    op.create_table(table, *key, *sums, sa.Column("sketch", sa.LargeBinary, nullable=False), sqlite_with_rowid=False)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text, primary_key=True) for name in names]


def downgrade() -> None:
    horizons = _horizons()
    op.execute(horizons.delete().where(horizons.c.table_name.in_(_NEW)))
    for table in _NEW:
        op.drop_table(table)
    for table in _COUNTING:
        op.drop_column(table, "limited")


def _horizons() -> Any:
    return sa.table("ledger_horizon", sa.column("table_name", sa.Text), sa.column("since_ms", sa.BigInteger))
