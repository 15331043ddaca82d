"""Accounts: organizations, users, keys, and providers' keys of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_accounts"
down_revision = None
branch_labels = ("core",)
depends_on = None

_TABLES = ("secret_key", "provider_credential", "api_key", "user_account", "organization", "account_revision")


def upgrade() -> None:
    counter = op.create_table(
        "account_revision",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counter, [{"id": 1, "value": 0}])
    op.create_table(
        "organization",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False, server_default="UTC"),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False, index=True),
        sa.UniqueConstraint("organization", "name", name="user_account_name"),
    )
    _create_keys()
    op.create_table(
        "provider_credential",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("base_url", sa.Text, nullable=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("secret_key", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False, index=True),
        sa.UniqueConstraint("organization", "provider", name="provider_credential_provider"),
    )
    op.create_table(
        "secret_key",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("first_seen_ms", sa.BigInteger, nullable=False),
    )


def _create_keys() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=True, index=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=True, index=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("models", sa.Text, nullable=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("pepper", sa.Text, nullable=False),
        sa.Column("previous_digest", sa.LargeBinary, nullable=True),
        sa.Column("previous_pepper", sa.Text, nullable=True),
        sa.Column("previous_until_ms", sa.BigInteger, nullable=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=True),
        sa.Column("revoked_ms", sa.BigInteger, nullable=True),
        sa.Column("last_used_ms", sa.BigInteger, nullable=True),
        sa.Column("revision", sa.BigInteger, nullable=False, index=True),
    )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
