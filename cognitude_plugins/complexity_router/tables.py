"""The router's tables, as ``migrations`` makes them. Times are milliseconds since 1970."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel


class RouterGain(SQLModel, table=True):
    """What comparisons of two models have come to, for one kind of task (see ``gain.Cell``)."""

    __tablename__ = "router_gain"
    __table_args__ = (Index("router_gain_updated", "updated_ms"),)

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    candidate: str = Field(sa_column=Column(Text, primary_key=True))
    reference: str = Field(sa_column=Column(Text, primary_key=True))
    task: str = Field(sa_column=Column(Text, primary_key=True))
    losses: float = Field(sa_column=Column(Float, nullable=False))
    wins: float = Field(sa_column=Column(Float, nullable=False))
    ties: float = Field(sa_column=Column(Float, nullable=False))
    labels: int = Field(sa_column=Column(BigInteger, nullable=False))
    updated_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class RouterRating(SQLModel, table=True):
    """What users said of one model's answers, for one kind of task (see ``gain.Rating``)."""

    __tablename__ = "router_rating"
    __table_args__ = (Index("router_rating_updated", "updated_ms"),)

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    model: str = Field(sa_column=Column(Text, primary_key=True))
    task: str = Field(sa_column=Column(Text, primary_key=True))
    count: float = Field(sa_column=Column(Float, nullable=False))
    total: float = Field(sa_column=Column(Float, nullable=False))
    labels: int = Field(sa_column=Column(BigInteger, nullable=False))
    updated_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class RouterFeedback(SQLModel, table=True):
    """That an answer was rated: each answer counts once, with what was said first."""

    __tablename__ = "router_feedback"
    __table_args__ = (Index("router_feedback_created", "created_ms"),)

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    request_id: str = Field(sa_column=Column(Text, primary_key=True))
    score: float = Field(sa_column=Column(Float, nullable=False))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class RouterExample(SQLModel, table=True):
    """One comparison, with its prompt's hashed features where these are learned from, else with none (no bytes)."""

    __tablename__ = "router_example"
    __table_args__ = (Index("router_example_pair", "organization", "candidate", "reference", "created_ms"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    organization: str = Field(sa_column=Column(Text, nullable=False))
    candidate: str = Field(sa_column=Column(Text, nullable=False))
    reference: str = Field(sa_column=Column(Text, nullable=False))
    loss: float = Field(sa_column=Column(Float, nullable=False))
    features: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class RouterWeights(SQLModel, table=True):
    """What was learned from the examples of one pair (see ``model.Weights``)."""

    __tablename__ = "router_weights"
    __table_args__ = (Index("router_weights_updated", "updated_ms"),)

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    candidate: str = Field(sa_column=Column(Text, primary_key=True))
    reference: str = Field(sa_column=Column(Text, primary_key=True))
    labels: int = Field(sa_column=Column(BigInteger, nullable=False))
    weights: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    updated_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


TABLES: Final = (RouterGain, RouterRating, RouterFeedback, RouterExample, RouterWeights)
