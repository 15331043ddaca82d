"""The ledger: calls, their sums, how far each journal segment is read, from when on each table is complete."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002_ledger"
down_revision = "0001_accounts"
branch_labels = None
depends_on = None

_TABLES = (
    "ledger_horizon",
    "ledger_segment",
    "ledger_identity_day",
    "ledger_day",
    "ledger_hour",
    "ledger_minute",
    "ledger_call",
)
_SUMS = (
    "calls",
    "errors",
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


def upgrade() -> None:
    _create_calls()
    for table in ("ledger_minute", "ledger_hour", "ledger_day"):
        op.create_table(
            table,
            *_key("organization", "model", "provider"),
            *_sums(),
            sa.Column("sketch", sa.LargeBinary, nullable=False),
        )
    op.create_table("ledger_identity_day", *_key("organization", "key", "user", "model", "provider"), *_sums())
    op.create_table(
        "ledger_segment",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "ledger_horizon",
        sa.Column("table_name", sa.Text, primary_key=True),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
    )


def _create_calls() -> None:
    op.create_table(
        "ledger_call",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=True),
        sa.Column("api", sa.Text, nullable=False),
        sa.Column("requested_model", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("deployment", sa.Text, nullable=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("status", sa.BigInteger, nullable=False),
        sa.Column("stream", sa.Boolean, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=True),
        sa.Column("completion_tokens", sa.BigInteger, nullable=True),
        sa.Column("cached_tokens", sa.BigInteger, nullable=True),
        sa.Column("cache_write_tokens", sa.BigInteger, nullable=True),
        sa.Column("reasoning_tokens", sa.BigInteger, nullable=True),
        sa.Column("usage_reported", sa.Boolean, nullable=True),
        sa.Column("cost_nano_usd", sa.BigInteger, nullable=True),
        sa.Column("saved_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("latency_us", sa.BigInteger, nullable=False),
        sa.Column("first_token_us", sa.BigInteger, nullable=True),
        sa.Column("overhead_us", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("complexity", sa.Text, nullable=True),
        sa.Column("cache_key", sa.Text, nullable=True),
        sa.Column("route", sa.Text, nullable=True),
        sa.Column("decisions", sa.Text, nullable=True),
        sa.Column("tags", sa.Text, nullable=False),
    )
    op.create_index("ledger_call_organization_time_ms", "ledger_call", ["organization", "time_ms"])
    op.create_index("ledger_call_time_ms", "ledger_call", ["time_ms"])


def _key(organization: str, *names: str) -> list[sa.Column[Any]]:
    """The organization first and then the time: every question is of one organization and of a time."""
    start: sa.Column[Any] = sa.Column("start_ms", sa.BigInteger, primary_key=True, autoincrement=False)
    first, *rest = [sa.Column(name, sa.Text, primary_key=True) for name in (organization, *names)]
    return [first, start, *rest]


def _sums() -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in _SUMS]


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
