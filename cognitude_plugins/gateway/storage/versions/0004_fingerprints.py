"""What a call allowed its answer, and what its prompt has in common with others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_fingerprints"
down_revision = "0003_tried"
branch_labels = None
depends_on = None

_COLUMNS = ("max_tokens", "request_digest", "shape_digest", "prefix_digest", "prefix_tokens")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("ledger_call", sa.Column(name, sa.BigInteger, nullable=True))


def downgrade() -> None:
    for name in _COLUMNS:
        op.drop_column("ledger_call", name)
