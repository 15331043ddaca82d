"""The configuration of analytics."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    fingerprints: bool = Field(
        default=True,
        description="Note digests of each prompt in the ledger: what tells repeats and common beginnings. No prompt "
        "can be read in them.",
    )
