"""The table of the jobs that a cluster runs once: which tick was last, and who has it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Text
from sqlmodel import Field, SQLModel


class GatewayJob(SQLModel, table=True):
    """``name`` is ``plugin.job``. Times are milliseconds since 1970; ``expires_ms`` is when ``holder`` loses a tick
    that is not ``done``. ``seconds`` and ``error`` are of the last run that ended.
    """

    __tablename__ = "gateway_job"

    name: str = Field(sa_column=Column(Text, primary_key=True))
    tick_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    fence: int = Field(sa_column=Column(BigInteger, nullable=False))
    holder: str = Field(sa_column=Column(Text, nullable=False))
    started_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    done: bool = Field(nullable=False)
    seconds: float | None = Field(default=None, sa_column=Column(Double, nullable=True))
    error: str | None = Field(default=None, sa_column=Column(Text, nullable=True))


JOBS: Final = SQLModel.metadata.tables["gateway_job"]
