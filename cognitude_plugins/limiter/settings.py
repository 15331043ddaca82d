"""What an operator writes: the limits, and what to do without Redis. The same `Limit` is sent to the API."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from .rules import consistent

Scope = Literal["organization", "key", "user", "address", "model", "provider", "global"]
Unit = Literal["requests", "tokens", "cost_usd", "concurrency"]
Period = Literal["second", "minute", "hour", "day", "week", "month"]
Window = Literal["sliding", "calendar", "bucket"]

MOST: Final = Decimal(10**12)
"""Requests, tokens, calls under way. Nobody has more; a larger number is a mistake."""
MOST_USD: Final = Decimal(10**6)
LEAST_USD: Final = Decimal("0.000001")
_NANO_USD: Final = Decimal("0.000000001")

Pattern = Annotated[str, Field(min_length=1, max_length=256)]


class Limit(BaseModel):
    """One limit. Of two with the same scope, unit, period, window and models there can be only one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scope: Scope = Field(
        description="What is counted apart: each organization, each key of it, each user, client address, model or "
        "provider within it; global counts everybody together."
    )
    unit: Unit = Field(description="What is counted; cost_usd in US dollars, concurrency is calls under way.")
    per: Period | None = Field(
        default=None, description="In which time; not of concurrency. Weeks and months are calendar windows only."
    )
    limit: Decimal = Field(gt=0, description="How much is let through in that time; whole, but for cost_usd.")
    window: Window = Field(
        default="sliding",
        description="sliding: any stretch of that length; calendar: from midnight (the full hour, Monday, the 1st) in "
        "the organization's time zone; bucket: a token bucket that refills evenly.",
    )
    burst: Decimal | None = Field(
        default=None, gt=0, description="Of a bucket, how much it holds; by default the limit."
    )
    models: list[Pattern] | None = Field(
        default=None, min_length=1, max_length=64, description="Only calls of these models, * standing for anything."
    )

    @field_validator("limit", "burst")
    @classmethod
    def _sound(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        unit = info.data.get("unit")
        if value is None or unit is None:
            return value
        most = MOST_USD if unit == "cost_usd" else MOST
        if value > most:
            raise ValueError(f"{info.field_name} {value:.15g} of {unit} is more than {most}")
        if unit != "cost_usd" and value != value.to_integral_value():
            raise ValueError(f"{info.field_name} {value:.15g} of {unit} is not a whole number")
        if unit == "cost_usd" and value < LEAST_USD:
            raise ValueError(f"{info.field_name} {value:.15g} is less than a millionth of a dollar")
        if unit == "cost_usd" and value != value.quantize(_NANO_USD):
            raise ValueError(f"{info.field_name} {value:.15g} of {unit} has more than nine decimal places")
        return value

    @model_validator(mode="after")
    def _sensible(self) -> Limit:
        if self.unit == "concurrency" and (self.per is not None or self.window != "sliding"):
            raise ValueError("concurrency is calls under way: it has no per and no window")
        if self.unit != "concurrency" and self.per is None:
            raise ValueError(f"a limit of {self.unit} needs per: second, minute, hour, day, week or month")
        if self.per in ("week", "month") and self.window != "calendar":
            raise ValueError(f"per: {self.per} needs window: calendar")
        if self.burst is not None and self.window != "bucket":
            raise ValueError("burst is for window: bucket")
        return self


DEFAULT_LIMITS: Final = (
    Limit(scope="organization", unit="requests", per="minute", limit=Decimal(100)),
    Limit(scope="organization", unit="requests", per="hour", limit=Decimal(3000)),
    Limit(scope="organization", unit="requests", per="day", limit=Decimal(50_000)),
)


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    limits: list[Limit] = Field(
        default=list(DEFAULT_LIMITS),
        description="Every call must fit into all of these that are for it. Without any here: 100 requests a minute, "
        "3 000 an hour and 50 000 a day for each organization.",
    )
    completion_tokens: int = Field(
        default=1024,
        ge=1,
        le=1_000_000,
        description="Tokens of an answer that are reserved before it comes: the request's own max_tokens if it is "
        "lower. What was really used is settled afterwards.",
    )
    on_redis_error: Literal["local", "open", "closed"] = Field(
        default="local",
        description="While services.redis does not answer: each worker goes on with its share of every limit, all "
        "calls are let through, or all are answered with 503.",
    )
    redis_timeout: float = Field(
        default=0.05, ge=0.001, le=5, description="Seconds a call waits for Redis before that is done."
    )
    machines: int = Field(
        default=1, ge=1, le=1000, description="Machines that share the limits: a worker's share of them without Redis."
    )
    prefix: str = Field(
        default="cognitude:limiter",
        pattern=r"^[A-Za-z0-9._:-]{1,64}$",
        description="How the limiter's keys in Redis begin.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        consistent(self.limits)
        return self
