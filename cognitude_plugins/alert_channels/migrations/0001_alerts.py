"""Channels, rules, budgets, alerts with their history, silences, and the messages that are to be sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_alerts"
down_revision = None
branch_labels = ("alert_channels",)


def upgrade() -> None:
    _channels()
    _watched()
    _alerts()
    _messages()


def _channels() -> None:
    op.create_table(
        "alert_channel",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("organization", "name"),
    )
    op.create_table(
        "alert_channel_state",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("gone_ms", sa.BigInteger, nullable=True),
        sa.Column("why", sa.Text, nullable=True),
        sa.Column("free_ms", sa.BigInteger, nullable=False),
    )


def _watched() -> None:
    op.create_table(
        "alert_rule",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("organization", "name"),
    )
    op.create_table(
        "alert_budget",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("organization", "name"),
    )
    op.create_table(
        "alert_silence",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("matchers", sa.Text, nullable=False),
        sa.Column("from_ms", sa.BigInteger, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=True),
        sa.Column("operator", sa.Boolean, nullable=False),
        sa.Column("comment", sa.Text, nullable=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("alert_silence_until", "alert_silence", ["until_ms"])
    change = op.create_table(
        "alert_change",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(change, [{"organization": "*", "number": 0}])


def _alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("open_key", sa.Text, nullable=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("value", sa.Double, nullable=True),
        sa.Column("threshold", sa.Double, nullable=True),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("pending_ms", sa.BigInteger, nullable=False),
        sa.Column("fired_ms", sa.BigInteger, nullable=True),
        sa.Column("acknowledged_ms", sa.BigInteger, nullable=True),
        sa.Column("acknowledged_by", sa.Text, nullable=True),
        sa.Column("resolved_ms", sa.BigInteger, nullable=True),
        sa.Column("told_ms", sa.BigInteger, nullable=True),
        sa.Column("told", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("open_key"),
    )
    op.create_index("alert_organization_pending", "alert", ["organization", "pending_ms"])
    op.create_index("alert_state", "alert", ["state"])
    is_open = sa.text("open_key IS NOT NULL")
    op.create_index("alert_open", "alert", ["id"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_table(
        "alert_tick",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("series", sa.Text, primary_key=True),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("before_ms", sa.BigInteger, nullable=False),
        sa.Column("again", sa.Text, nullable=False),
    )
    op.create_table(
        "alert_event",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("alert", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=True),
        sa.Column("note", sa.Text, nullable=True),
        sa.Column("value", sa.Double, nullable=True),
    )
    op.create_index("alert_event_alert", "alert_event", ["alert", "at_ms"])


def _messages() -> None:
    op.create_table(
        "alert_outbox",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("dedup_key", sa.Text, nullable=False),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("alert", sa.Text, nullable=True),
        sa.Column("thread", sa.Text, nullable=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("claim", sa.Text, nullable=True),
        sa.Column("claimed_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger, nullable=True),
        sa.UniqueConstraint("dedup_key"),
    )
    op.create_index("alert_outbox_state_due", "alert_outbox", ["state", "due_ms"])
    op.create_index("alert_outbox_organization_created", "alert_outbox", ["organization", "created_ms"])
    op.create_index("alert_outbox_channel_id", "alert_outbox", ["channel", "id"])
    op.create_table(
        "alert_attempt",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("took_ms", sa.BigInteger, nullable=False),
        sa.Column("delivered", sa.Boolean, nullable=False),
        sa.Column("status", sa.BigInteger, nullable=True),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("alert_attempt_message", "alert_attempt", ["message", "at_ms"])


def downgrade() -> None:
    for table in (
        "alert_attempt",
        "alert_outbox",
        "alert_event",
        "alert_tick",
        "alert",
        "alert_change",
        "alert_silence",
        "alert_budget",
        "alert_rule",
        "alert_channel_state",
        "alert_channel",
    ):
        op.drop_table(table)
