"""What an operator writes: channels, rules, budgets."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .budgets.settings import DeclaredBudgets
from .channels.named import misnamed
from .channels.settings import Channels
from .delivery.settings import Delivery
from .rules.settings import DeclaredRules, Every
from .summaries.settings import Summaries


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: Channels = Field(
        default={}, description="Where alerts are sent, by name: each with its type, and what that type wants."
    )
    rules: DeclaredRules = Field(default=(), description="What is watched, and when somebody is told.")
    budgets: DeclaredBudgets = Field(
        default=[],
        description="Amounts that may be spent: what of them is used is alerted, and refused if they are hard.",
    )
    budgets_every: Every = Field(
        default=timedelta(hours=1),
        description="How often budgets are looked at that are neither hard nor used to 80 %; those are each minute.",
    )
    summaries: Summaries = Field(default=Summaries(), description="When daily and weekly summaries are sent.")
    delivery: Delivery = Field(default=Delivery(), description="How messages are sent.")

    @model_validator(mode="after")
    def _channels_exist(self) -> Config:
        found = [*misnamed("rules", self.rules, self.channels), *misnamed("budgets", self.budgets, self.channels)]
        if found:
            raise ValidationError.from_exception_data("Config", found)
        return self
