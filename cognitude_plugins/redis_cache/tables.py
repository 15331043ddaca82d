"""The cache's tables, as ``migrations`` makes them. Times are milliseconds since 1970."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel


class CacheAnswer(SQLModel, table=True):
    """One kept answer, packed (see ``entry.py``). ``expires_ms`` is when it is of no more use, null for never."""

    __tablename__ = "cache_answer"
    __table_args__ = (Index("cache_answer_created", "created_ms"), Index("cache_answer_expires", "expires_ms"))

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    model: str = Field(sa_column=Column(Text, nullable=False))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_ms: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    packed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CacheSecret(SQLModel, table=True):
    """One row, of the organization ``*``: what keys and answers of this installation are signed with."""

    __tablename__ = "cache_secret"

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


TABLES: Final = (CacheAnswer, CacheSecret)
