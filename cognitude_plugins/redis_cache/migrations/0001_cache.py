"""Kept answers, and the secret they are signed with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_cache"
down_revision = None
branch_labels = ("redis_cache",)


def upgrade() -> None:
    op.create_table(
        "cache_answer",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
    )
    op.create_index("cache_answer_created", "cache_answer", ["created_ms"])
    op.create_index("cache_answer_expires", "cache_answer", ["expires_ms"])
    op.create_table(
        "cache_secret",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("secret", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    for table in ("cache_secret", "cache_answer"):
        op.drop_table(table)
