"""Settings of what a model costs."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, Field

from .fields import STRICT, Count, Usd


class Tier(BaseModel):
    """US dollars per million tokens of a call with a long prompt; null: as below it."""

    model_config = STRICT

    above_prompt_tokens: Count = Field(description="Applies to the whole call when its prompt has more tokens.")
    input: Usd | None = Field(default=None, description="Prompt tokens.")
    output: Usd | None = Field(default=None, description="Completion tokens.")
    cached_input: Usd | None = Field(default=None, description="Prompt tokens read from the provider's cache.")
    cache_write: Usd | None = Field(default=None, description="Prompt tokens written into the provider's cache.")


class Price(BaseModel):
    """US dollars per million tokens."""

    model_config = STRICT

    input: Usd = Field(description="Prompt tokens.")
    output: Usd = Field(default=Decimal(0), json_schema_extra={"default": 0}, description="Completion tokens.")
    cached_input: Usd | None = Field(
        default=None, description="Prompt tokens read from the provider's cache; null: as input."
    )
    cache_write: Usd | None = Field(
        default=None, description="Prompt tokens written into the provider's cache; null: as input."
    )
    reasoning: Usd | None = Field(
        default=None, description="Completion tokens the model spent on reasoning; null: as output."
    )
    per_request: Usd = Field(default=Decimal(0), json_schema_extra={"default": 0}, description="US dollars per call.")
    tiers: tuple[Tier, ...] = Field(default=(), description="Other prices for calls with a long prompt.")
