"""What the balancer's endpoints take and answer."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)


class Nothing(BaseModel):
    """No parameters."""

    model_config = _STRICT


class NewScore(BaseModel):
    model_config = _STRICT

    experiment: Annotated[str, Field(max_length=64)] = Field(description="The experiment's name.")
    user: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        default=None, description="Whose score it is: as in the calls' user. Without, the key that sends it."
    )
    score: float = Field(ge=-1e6, le=1e6, allow_inf_nan=False, description="How good it was; more is better.")


class Scored(BaseModel):
    object: Literal["routing_score"] = "routing_score"
    experiment: str
    arm: str = Field(description="The arm the user is in.")


class Metric(BaseModel):
    mean: float | None = Field(description="Over users, of each user's mean; null when nothing is known.")
    difference: float | None = Field(description="To the control's mean; null for the control itself.")
    low: float | None = Field(description="Lower end of the 95 % interval of the difference.")
    high: float | None = Field(description="Its upper end; null with fewer than two users in an arm.")


class ArmBody(BaseModel):
    arm: str
    weight: float
    users: int = Field(description="Users, or keys, that called.")
    calls: int
    errors: int = Field(description="Calls answered with 400 and above, or broken off by the provider.")
    error_rate: Metric
    cost_usd: Metric = Field(description="Dollars per call, where the price is known.")
    latency_seconds: Metric = Field(description="From arrival to the last byte, of calls without error.")
    score: Metric = Field(description="Of scores sent to POST /routing/scores.")


class ExperimentBody(BaseModel):
    name: str
    by: Literal["user", "key"]
    control: str
    arms: list[ArmBody]


class Experiments(BaseModel):
    object: Literal["routing_experiments"] = "routing_experiments"
    organization: str
    experiments: list[ExperimentBody]
