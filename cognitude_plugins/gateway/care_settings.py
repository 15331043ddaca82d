"""Settings of what is done about deployments that fail, are slow or are full: of all, and for one model's entry."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator

from .care import BreakerRules, Care, Concurrency, Hedging, Retries
from .fields import STRICT, Count, Seconds

Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(gt=0, le=1)]
Number = Annotated[int, Field(ge=0)]


class RetrySettings(BaseModel):
    """When a deployment that failed is tried again in the same call; only ever before the first byte."""

    model_config = STRICT

    most: Number = Field(
        default=1,
        le=10,
        description="How often one deployment is tried again, after every other of the plan; 0 for never.",
    )
    base_seconds: Seconds = Field(
        default=0.25, description="The pause before that is drawn from the upper half of this, doubled each time."
    )
    longest_seconds: Seconds = Field(
        default=10.0, description="The longest pause, also if the provider's Retry-After asks for one; else no retry."
    )
    budget_percent: Percent = Field(
        default=20.0, description="Retries of one provider at one address, in percent of its recent calls."
    )
    budget_per_second: float = Field(
        default=10.0, ge=0, le=10_000, description="Retries that it may get each second beyond that."
    )
    content_refusals: bool = Field(
        default=False, description="Whether a refusal for its content (content_filter) goes on to another provider."
    )


class ModelRetries(BaseModel):
    """Overrides of ``gateway.retries`` for one model."""

    model_config = STRICT

    most: Number | None = Field(default=None, le=10, description="How often this deployment is tried again.")
    base_seconds: Seconds | None = Field(default=None, description="The pause before that, doubled each time.")
    longest_seconds: Seconds | None = Field(default=None, description="The longest pause, Retry-After included.")
    content_refusals: bool | None = Field(
        default=None, description="Whether a refusal for its content goes on to another provider."
    )


class BreakerSettings(BaseModel):
    """When a deployment that fails is left alone, and for how long."""

    model_config = STRICT

    enabled: bool = Field(default=True, description="Whether deployments that fail are left alone at all.")
    failures: Count = Field(default=5, description="Failures in a row after which a deployment gets no calls.")
    error_rate: Share = Field(default=0.5, description="The share of failures in the window that does the same, 0 … 1.")
    calls: Count = Field(default=20, description="Calls there must be in the window for its share to count.")
    window_seconds: Seconds = Field(default=30.0, description="The window that share is of.")
    cooldown_seconds: Seconds = Field(
        default=5.0,
        description="How long it gets no calls, give or take a fifth. Then one call finds out; if it fails, twice as "
        "long.",
    )
    longest_cooldown_seconds: Seconds = Field(
        default=60.0, description="The longest cooldown, also of one that a 429 with Retry-After asks for."
    )

    @model_validator(mode="after")
    def _ordered(self) -> BreakerSettings:
        if self.cooldown_seconds > self.longest_cooldown_seconds:
            raise ValueError(
                f"cooldown_seconds {self.cooldown_seconds:g} is longer than "
                f"longest_cooldown_seconds {self.longest_cooldown_seconds:g}"
            )
        return self


class ModelBreaker(BaseModel):
    """Overrides of ``gateway.breaker`` for one model."""

    model_config = STRICT

    enabled: bool | None = Field(default=None, description="Whether this deployment is left alone when it fails.")
    failures: Count | None = Field(default=None, description="Failures in a row after which it gets no calls.")
    error_rate: Share | None = Field(default=None, description="The share of failures that does the same, 0 … 1.")
    calls: Count | None = Field(default=None, description="Calls there must be for its share to count.")
    window_seconds: Seconds | None = Field(default=None, description="The window that share is of.")
    cooldown_seconds: Seconds | None = Field(default=None, description="How long it gets no calls.")
    longest_cooldown_seconds: Seconds | None = Field(default=None, description="The longest cooldown.")


class ConcurrencySettings(BaseModel):
    """How many calls one deployment gets at a time from this process."""

    model_config = STRICT

    calls: Count | None = Field(
        default=None, description="Calls at a time, streams until their end; null for no limit."
    )
    queue: Number = Field(default=16, le=10_000, description="Further calls that wait for a place.")
    wait_seconds: Seconds = Field(
        default=1.0, description="How long they wait before the next deployment is tried, or 503 answered."
    )


class HedgingSettings(BaseModel):
    """A second attempt for a whole answer that takes longer than is usual; the first good answer is taken."""

    model_config = STRICT

    enabled: bool = Field(default=False, description="Whether there are second attempts.")
    quantile: float = Field(
        default=0.95, ge=0.5, lt=1, description="After this quantile of the deployment's recent seconds, 0.5 … 1."
    )
    observations: Count = Field(default=50, description="Recent answers there must be to know that quantile.")
    budget_percent: Percent = Field(default=5.0, description="Second attempts in percent of the recent calls.")


def care_of(
    retries: RetrySettings,
    breaker: BreakerSettings,
    own_retries: ModelRetries,
    own_breaker: ModelBreaker,
    concurrency: ConcurrencySettings,
    hedging: HedgingSettings,
) -> Care:
    """What these settings come to for one deployment."""
    told = _over(retries, own_retries)
    told["other_on_refusal"] = told.pop("content_refusals")
    return Care(
        retries=Retries(**told),
        breaker=BreakerRules(**_over(breaker, own_breaker)),
        concurrency=Concurrency(**concurrency.model_dump()),
        hedging=Hedging(**hedging.model_dump()),
    )


def _over(shared: BaseModel, own: BaseModel) -> dict[str, Any]:
    return {**shared.model_dump(), **own.model_dump(exclude_none=True)}
