"""What the router's endpoints take and answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .report import RoutingReport
from .wishes import MOST_USD, Objective


class SmartWishes(BaseModel):
    """What stands in a smart call's body for the router."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    optimize_for: Objective | None = Field(default=None, description="What to choose the model by.")
    max_latency_ms: float | None = Field(default=None, gt=0, description="As in routing.")
    max_cost: float | None = Field(default=None, gt=0, le=MOST_USD, description="As in routing, in US dollars.")
    min_quality: float | None = Field(default=None, gt=0, le=1, description="As in routing.")


class SmartRequest(SmartWishes):
    """A chat completion without a model; every other field goes to the provider as it is."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")

    messages: list[dict[str, Any]] = Field(description="The conversation.")


class Analysis(BaseModel):
    """What the pipeline would do with a call. No provider is called."""

    routing: RoutingReport = Field(description="The decision.")
    deployments: list[str] = Field(description="Where the call would go, in the order in which they are tried.")
    reasons: list[str] = Field(description="Of all routers, as x-cognitude-route has them.")


class Nothing(BaseModel):
    """No parameters."""

    model_config = ConfigDict(extra="forbid")


class ModelInfo(BaseModel):
    """What is known of one model."""

    model: str = Field(description="The model.")
    deployments: list[str] = Field(description="Where it can be called.")
    available: bool = Field(description="Whether one of them is to be called at present.")
    usd_per_million_input: float | None = Field(description="US dollars; null where no price is known.")
    usd_per_million_output: float | None = Field(description="US dollars; null where no price is known.")
    context_tokens: int | None = Field(description="How long a prompt may be; null where it is not known.")
    capabilities: list[str] | None = Field(description="What it can do; null where it is not known.")
    p50_latency_ms: float | None = Field(description="Of the answers this worker has seen lately, half began within.")
    p95_latency_ms: float | None = Field(description="The same of 95 of 100.")
    p50_day_ms: float | None = Field(description="Of the organization's calls of the last day, half took no longer.")
    p95_day_ms: float | None = Field(description="The same of 95 of 100.")
    quality: dict[str, float | None] = Field(
        description="What is known of it for each kind of task before anything is seen; null for nothing."
    )


class GainInfo(BaseModel):
    """What an organization's calls have shown of a model against the default."""

    candidate: str = Field(description="The model.")
    reference: str = Field(description="The default model.")
    task: str = Field(description="The kind of task.")
    labels: int = Field(description="Comparisons.")
    expected_loss: float = Field(description="Quality given up by taking it, from -1 to 1.")
    deviation: float = Field(description="One standard deviation of that.")


class AliasInfo(BaseModel):
    """One alias that is routed."""

    alias: str = Field(description="What clients name.")
    default: str = Field(description="The model that answers where too little is known.")
    optimize_for: Objective = Field(description="What is chosen by unless a call says otherwise.")
    min_quality: float = Field(description="The share of the default's quality that is kept.")
    models: list[ModelInfo] = Field(description="The candidates.")


class FamilyInfo(BaseModel):
    """What has been published of a family of models: shares of right answers."""

    knowledge: float = Field(description="On MMLU.")
    math: float = Field(description="On MATH.")
    code: float = Field(description="On HumanEval.")


class SmartInfo(BaseModel):
    """What the router chooses among, and what it has learned of it."""

    organization: str = Field(description="Whose.")
    tasks: list[str] = Field(description="The kinds of task it tells apart.")
    aliases: list[AliasInfo] = Field(description="What is routed; the first is that of /v1/smart/completions.")
    gains: list[GainInfo] = Field(description="What this organization's calls have shown.")
    catalogue: dict[str, FamilyInfo] = Field(
        description="What is known of families of models before anything is seen, by the beginning of their names."
    )


class FeedbackRequest(BaseModel):
    """How good an answer was: a score, or thumbs."""

    model_config = ConfigDict(extra="forbid", strict=True)

    request_id: str = Field(min_length=1, max_length=200, pattern=r"^[!-~]+$", description="The answer's x-request-id.")
    score: float | None = Field(default=None, ge=0, le=1, description="From 0 (useless) to 1 (as good as can be).")
    thumbs: Literal["up", "down"] | None = Field(default=None, description="1 or 0, for those who ask so.")

    @model_validator(mode="after")
    def _says_one_thing(self) -> FeedbackRequest:
        if (self.score is None) == (self.thumbs is None):
            raise ValueError("give either score or thumbs")
        return self

    @property
    def value(self) -> float:
        return float(self.thumbs == "up") if self.score is None else self.score


class Feedback(BaseModel):
    """What was counted."""

    request_id: str = Field(description="The answer.")
    model: str = Field(description="The model that gave it.")
    task: str = Field(description="The kind of task it was taken for.")
    score: float = Field(description="What it was given.")
