"""Which tick of each of the cluster's jobs was last, and who has it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_jobs"
down_revision = "0004_fingerprints"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gateway_job",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("tick_ms", sa.BigInteger, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.Column("seconds", sa.Double, nullable=True),
        sa.Column("error", sa.Text, nullable=True),
    )


def downgrade() -> None:
    op.drop_table("gateway_job")
