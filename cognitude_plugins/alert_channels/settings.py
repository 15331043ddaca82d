"""What an operator writes: channels, rules, budgets."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from .channels.settings import Channels


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: Channels = Field(
        default={}, description="Where alerts are sent, by name: each with its type, and what that type wants."
    )
