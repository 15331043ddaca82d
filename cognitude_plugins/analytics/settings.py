"""The configuration of analytics."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from .metrics import LONGEST, NAMES, compiled

_STRICT = ConfigDict(extra="forbid", frozen=True)


def _expression(text: str) -> str:
    compiled(text)
    return text


class MetricSettings(BaseModel):
    model_config = _STRICT

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="What it is called in a breakdown.")
    expression: Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_expression)] = Field(
        description="Arithmetic (+ - * / // % **, min, max, round) over the sums of a group: " + ", ".join(NAMES) + ". "
        "Quantiles of latency are in seconds."
    )
    description: str = Field(default="", max_length=500, description="What it says, for people.")


Dollars = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class Thresholds(BaseModel):
    """US dollars a month from which on a recommendation is shown."""

    model_config = _STRICT

    cache_opportunity: Dollars = Field(default=10, description="Of repeats that no cache answered.")
    model_downgrade: Dollars = Field(default=20, description="Of calls that a cheaper model serves.")
    smart_routing: Dollars = Field(default=5, description="Of calls that name a model where an alias would choose.")
    max_tokens: Dollars = Field(default=5, description="Of limits on answers that are missing or too tight.")
    prompt_patterns: Dollars = Field(default=5, description="Of long beginnings and near-repeats.")

    def of(self, kind: str) -> Decimal:
        return Decimal(str(getattr(self, kind)))


class Recommendations(BaseModel):
    """What ``GET /analytics/recommendations`` looks at."""

    model_config = _STRICT

    days: int = Field(default=14, ge=1, le=90, description="How many days are looked back at.")
    thresholds: Thresholds = Field(
        default=Thresholds(), description="US dollars a month from which on each recommendation is shown."
    )


class Config(BaseModel):
    model_config = _STRICT

    fingerprints: bool = Field(
        default=True,
        description="Note digests of each prompt in the ledger: what tells repeats and common beginnings. No prompt "
        "can be read in them.",
    )
    metrics: list[MetricSettings] = Field(
        default=[], max_length=64, description="Figures of your own for each group of a breakdown."
    )
    recommendations: Recommendations = Field(
        default=Recommendations(), description="What is looked at for recommendations, and what is worth showing."
    )
    baseline: str | None = Field(
        default=None,
        max_length=256,
        description="The model that savings are held against: what the same tokens would have cost there.",
    )

    @model_validator(mode="after")
    def _distinct(self) -> Config:
        names = [one.name for one in self.metrics]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"there are {names.count(name)} metrics called {name!r}")
            if name in NAMES:
                raise ValueError(f"a metric cannot be called {name!r}, as a sum of a group is")
        return self
