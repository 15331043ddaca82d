"""What users of experiments came to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_exposures"
down_revision = None
branch_labels = ("balancer",)

_SUMS = ("calls", "errors", "priced", "cost_nano_usd", "timed", "microseconds", "scored")


def upgrade() -> None:
    op.create_table(
        "balancer_exposure",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("experiment", sa.Text, primary_key=True),
        sa.Column("arm", sa.Text, primary_key=True),
        sa.Column("unit", sa.Text, primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _SUMS),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("balancer_exposure_updated", "balancer_exposure", ["updated_ms"])


def downgrade() -> None:
    op.drop_table("balancer_exposure")
