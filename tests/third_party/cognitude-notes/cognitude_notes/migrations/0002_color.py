"""Notes have a color."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("note") as note:
        note.add_column(sa.Column("color", sa.Text, nullable=False, server_default="yellow"))


def downgrade() -> None:
    with op.batch_alter_table("note") as note:
        note.drop_column("color")
