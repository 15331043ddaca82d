"""What came of each attempt of a call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_tried"
down_revision = "0002_ledger"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger_call", sa.Column("tried", sa.Text, nullable=True))


def downgrade() -> None:
    op.drop_column("ledger_call", "tried")
