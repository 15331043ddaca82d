"""The limiter's tables, as ``migrations`` makes them. Times are milliseconds since 1970."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Text
from sqlmodel import Field, SQLModel


class LimiterOverride(SQLModel, table=True):
    """The limits of one layer, a JSON array of them. ``key`` is empty for all keys of the organization."""

    __tablename__ = "limiter_override"

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    layer: str = Field(sa_column=Column(Text, primary_key=True))
    limits: str = Field(sa_column=Column(Text, nullable=False))
    updated_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class LimiterChange(SQLModel, table=True):
    """One row, of the organization ``*``: how many transactions have changed the other tables so far.

    Each takes the next number first, so that they come one after the other.
    """

    __tablename__ = "limiter_change"

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    number: int = Field(sa_column=Column(BigInteger, nullable=False))


class LimiterReset(SQLModel, table=True):
    """The change by which an organization's counters, or only those of its own limits, were last reset."""

    __tablename__ = "limiter_reset"

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    own_only: bool = Field(sa_column=Column(Boolean, primary_key=True))
    number: int = Field(sa_column=Column(BigInteger, nullable=False))


TABLES: Final = (LimiterOverride, LimiterChange, LimiterReset)
