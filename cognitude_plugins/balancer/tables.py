"""The balancer's table, as ``migrations`` makes it: what each user of each arm of an experiment came to."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Index, Text
from sqlmodel import Field, SQLModel


class BalancerExposure(SQLModel, table=True):
    """``unit`` is a digest of the user or key. ``priced`` and ``timed`` count the calls of which cost and latency are
    in their sums, ``scored`` the scores that were sent. ``updated_ms`` is milliseconds since 1970.
    """

    __tablename__ = "balancer_exposure"
    __table_args__ = (Index("balancer_exposure_updated", "updated_ms"),)

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    experiment: str = Field(sa_column=Column(Text, primary_key=True))
    arm: str = Field(sa_column=Column(Text, primary_key=True))
    unit: str = Field(sa_column=Column(Text, primary_key=True))
    calls: int = Field(sa_column=Column(BigInteger, nullable=False))
    errors: int = Field(sa_column=Column(BigInteger, nullable=False))
    priced: int = Field(sa_column=Column(BigInteger, nullable=False))
    cost_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    timed: int = Field(sa_column=Column(BigInteger, nullable=False))
    microseconds: int = Field(sa_column=Column(BigInteger, nullable=False))
    scored: int = Field(sa_column=Column(BigInteger, nullable=False))
    score: float = Field(sa_column=Column(Double, nullable=False))
    updated_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


TABLES: Final = (BalancerExposure,)
