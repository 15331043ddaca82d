"""Comparisons, ratings, and what was learned from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_router"
down_revision = None
branch_labels = ("complexity_router",)


def _key(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=True) for name in names]


def _numbers(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Float, nullable=False) for name in names]


def _whole(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "router_gain",
        *_key("organization", "candidate", "reference", "task"),
        *_numbers("losses", "wins", "ties"),
        *_whole("labels", "updated_ms"),
    )
    op.create_index("router_gain_updated", "router_gain", ["updated_ms"])
    op.create_table(
        "router_rating",
        *_key("organization", "model", "task"),
        *_numbers("count", "total"),
        *_whole("labels", "updated_ms"),
    )
    op.create_index("router_rating_updated", "router_rating", ["updated_ms"])
    op.create_table("router_feedback", *_key("organization", "request_id"), *_numbers("score"), *_whole("created_ms"))
    op.create_index("router_feedback_created", "router_feedback", ["created_ms"])
    op.create_table(
        "router_example",
        *_key("id"),
        *[sa.Column(name, sa.Text, nullable=False) for name in ("organization", "candidate", "reference")],
        *_numbers("loss"),
        sa.Column("features", sa.LargeBinary, nullable=False),
        *_whole("created_ms"),
    )
    op.create_index("router_example_pair", "router_example", ["organization", "candidate", "reference", "created_ms"])
    op.create_table(
        "router_weights",
        *_key("organization", "candidate", "reference"),
        *_whole("labels"),
        sa.Column("weights", sa.LargeBinary, nullable=False),
        *_whole("updated_ms"),
    )
    op.create_index("router_weights_updated", "router_weights", ["updated_ms"])


def downgrade() -> None:
    for table in ("router_weights", "router_example", "router_feedback", "router_rating", "router_gain"):
        op.drop_table(table)
