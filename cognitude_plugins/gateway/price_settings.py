"""Settings of what a model costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema, model_validator

from .fields import STRICT, Count

_MOST: Final = 1_000_000
_MOST_PER_REQUEST: Final = 1_000
"""A row of the ledger has room for some nine million dollars."""


def _rate(dollars: Decimal) -> Decimal:
    if dollars > _MOST:
        raise ValueError(f"must not be more than {_MOST} US dollars per million tokens")
    return dollars


def _fee(dollars: Decimal) -> Decimal:
    if dollars > _MOST_PER_REQUEST:
        raise ValueError(f"must not be more than {_MOST_PER_REQUEST} US dollars per call")
    return dollars


def _each_once(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    above = [tier.above_prompt_tokens for tier in tiers]
    for tokens in above:
        if above.count(tokens) > 1:
            raise ValueError(f"must not have two tiers above {tokens} prompt tokens")
    return tiers


Rate = Annotated[
    Decimal,
    Field(ge=0),
    AfterValidator(_rate),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": _MOST}),
]
Fee = Annotated[
    Decimal,
    Field(ge=0),
    AfterValidator(_fee),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": _MOST_PER_REQUEST}),
]


class Tier(BaseModel):
    """US dollars per million tokens of a call with a long prompt; null: as below it."""

    model_config = STRICT

    above_prompt_tokens: Count = Field(description="Applies to the whole call when its prompt has more tokens.")
    input: Rate | None = Field(default=None, description="Prompt tokens.")
    output: Rate | None = Field(default=None, description="Completion tokens.")
    cached_input: Rate | None = Field(default=None, description="Prompt tokens read from the provider's cache.")
    cache_write: Rate | None = Field(default=None, description="Prompt tokens written into the provider's cache.")

    @model_validator(mode="after")
    def _sets_something(self) -> Tier:
        if self.input is self.output is self.cached_input is self.cache_write is None:
            raise ValueError("must set a price: input, output, cached_input or cache_write")
        return self


class Price(BaseModel):
    """US dollars per million tokens."""

    model_config = STRICT

    input: Rate = Field(description="Prompt tokens.")
    output: Rate = Field(default=Decimal(0), json_schema_extra={"default": 0}, description="Completion tokens.")
    cached_input: Rate | None = Field(
        default=None, description="Prompt tokens read from the provider's cache; null: as input."
    )
    cache_write: Rate | None = Field(
        default=None, description="Prompt tokens written into the provider's cache; null: as input."
    )
    reasoning: Rate | None = Field(
        default=None, description="Completion tokens the model spent on reasoning; null: as output."
    )
    per_request: Fee = Field(default=Decimal(0), json_schema_extra={"default": 0}, description="US dollars per call.")
    tiers: Annotated[tuple[Tier, ...], AfterValidator(_each_once)] = Field(
        default=(), description="Other prices for calls with a long prompt."
    )
