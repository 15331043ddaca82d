"""What a call wants of the router: the alias's settings, with what the client says in ``routing`` on top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hooks import Reply
from hooks.endpoint import explained

Objective = Literal["cost", "latency", "quality"]
MOST_USD: Final = 1_000_000
"""No call costs more."""


class Routing(BaseModel):
    """The member ``routing`` of a call's body."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    optimize_for: Objective | None = Field(default=None, description="What to choose the model by.")
    max_latency_ms: float | None = Field(
        default=None, gt=0, description="Only models that answer within it, as far as is known, 19 times out of 20."
    )
    max_cost: float | None = Field(
        default=None,
        gt=0,
        le=MOST_USD,
        description="Only models whose answer is estimated to cost no more than that, in US dollars.",
    )
    min_quality: float | None = Field(
        default=None, gt=0, le=1, description="The share of the default model's quality that must be kept."
    )
    report: bool = Field(default=False, description="Put the decision into the answer, as its member routing.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """``max_cost_nano_usd`` in billionths of a US dollar; None is no limit."""

    optimize_for: Objective = "cost"
    min_quality: float = 0.95
    max_latency_ms: float | None = None
    max_cost_nano_usd: int | None = None
    report: bool = False

    @property
    def tolerance(self) -> float:
        """The loss that may be: as a share of comparisons with the default model."""
        return 1 - self.min_quality


def wished(settings: Wishes, given: Any) -> Wishes | Reply:
    """``given`` is what the body has, None for nothing; the reply is the 400 for what is wrong with it."""
    if given is None:
        return settings
    if not isinstance(given, Mapping):
        return Reply.error(400, "routing: it must be an object.", param="routing", code="invalid_value")
    try:
        asked = Routing.model_validate(given)
    except ValidationError as error:
        param, text = explained(error)
        name = f"routing.{param}" if param else "routing"
        return Reply.error(400, f"{name}: {text}.", param=name, code="invalid_value")
    cost = asked.max_cost
    return replace(
        settings,
        optimize_for=asked.optimize_for or settings.optimize_for,
        min_quality=asked.min_quality or settings.min_quality,
        max_latency_ms=asked.max_latency_ms or settings.max_latency_ms,
        max_cost_nano_usd=settings.max_cost_nano_usd if cost is None else round(cost * 1e9),
        report=asked.report,
    )
