"""What the limiter's endpoints take and answer."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from .layers import Layer
from .rules import Origin, consistent
from .settings import Limit, Period, Scope, Unit, Window

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)

MOST_LIMITS: Final = 64

KeyId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$")]
Number = Annotated[int | float, Field(description="Whole, but for cost_usd.")]


class OwnLimit(Limit):
    """A limit of an organization or one of its keys."""

    scope: Literal["organization", "key", "user", "address", "model", "provider"] = Field(
        description="What is counted apart within the organization; with ?key= it must be key."
    )


class NewLimits(BaseModel):
    model_config = _STRICT

    limits: list[OwnLimit] = Field(
        max_length=MOST_LIMITS, description="All limits of this layer; they take the place of those that were set."
    )

    @field_validator("limits")
    @classmethod
    def _consistent(cls, limits: list[OwnLimit]) -> list[OwnLimit]:
        consistent(limits)
        return limits


class Nothing(BaseModel):
    model_config = _STRICT


class ConfigQuery(BaseModel):
    model_config = _STRICT

    key: KeyId | None = Field(default=None, description="Id of a key: what is set for this one alone.")


class UsageQuery(BaseModel):
    """Without any of these: of the key that asks, as it calls now."""

    model_config = _STRICT

    key: KeyId | None = Field(default=None, description="Id of the key to look at.")
    user: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(default=None, description="Its user.")
    address: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="The client's IP address."
    )
    model: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        default=None, description="A model as clients name it: limits by model and provider are shown too."
    )


class LimitBody(BaseModel):
    """As it can be sent again."""

    scope: Scope
    unit: Unit
    per: Period | None
    limit: Number
    window: Window
    burst: Number | None
    models: list[str] | None


class EffectiveLimit(LimitBody):
    origin: Origin = Field(description="Who set it: plugins.yaml, a gateway admin, or the organization itself.")
    key: str | None = Field(description="The key for which alone it was set.")


class LayerBody(BaseModel):
    limits: list[LimitBody]
    updated_at: str


class Layers(BaseModel):
    """As they are stored; null where nothing is set."""

    operator: LayerBody | None
    organization: LayerBody | None


class LimitsConfig(BaseModel):
    object: Literal["rate_limit_config"] = "rate_limit_config"
    organization: str
    key: str | None
    limits: list[EffectiveLimit] = Field(description="All that are in force: every call must fit into each.")
    layers: Layers
    writes: Layer | None = Field(description="The layer that the key with which was asked may change.")


class LimitUsage(BaseModel):
    scope: Scope | Literal["tag"]
    subject: str = Field(description="Whose counter it is.")
    unit: Unit
    per: Period | Literal["total"] | None
    window: Window | None
    models: list[str] | None
    limit: Number
    used: Number
    reserved: Number | None = Field(description="Of a budget: what calls under way may use of it; else null.")
    remaining: Number
    reset: int | None = Field(description="When the present window ends, in seconds since 1970; null of concurrency.")
    reset_at: str | None
    origin: Origin
    budget: str | None = Field(description="The name, or the id, of a budget; null of a limit.")


class LimitsUsage(BaseModel):
    object: Literal["rate_limit_usage"] = "rate_limit_usage"
    organization: str
    limits: list[LimitUsage]


class LimitsReset(BaseModel):
    object: Literal["rate_limit_reset"] = "rate_limit_reset"
    organization: str
    counters: Literal["all", "own"] = Field(
        description="all of the organization, or only those of limits that it has set for itself."
    )
