"""Limits set for organizations, and the resets of their counters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_limits"
down_revision = None
branch_labels = ("limiter",)


def upgrade() -> None:
    op.create_table(
        "limiter_override",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("layer", sa.Text, primary_key=True),
        sa.Column("limits", sa.Text, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
    )
    change = op.create_table(
        "limiter_change",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(change, [{"organization": "*", "number": 0}])
    op.create_table(
        "limiter_reset",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("own_only", sa.Boolean, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("limiter_reset", "limiter_change", "limiter_override"):
        op.drop_table(table)
