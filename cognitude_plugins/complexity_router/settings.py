"""The configuration of the router."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .tasks import TASK_TYPES
from .wishes import MOST_USD, Objective, Wishes

Share = Annotated[float, Field(ge=0, le=1)]


class Alias(BaseModel):
    """How the models behind one alias are chosen among."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default: str | None = Field(
        default=None,
        description="The candidate that answers where too little is known, and whose quality the others are held "
        "against; by default the alias's first.",
    )
    optimize_for: Objective = Field(
        default="cost",
        description="What to choose by among the models that are good enough: the lowest cost, the quickest answers, "
        "or the best quality.",
    )
    min_quality: float = Field(
        default=0.95, gt=0, le=1, description="The share of the default's quality that must be kept."
    )
    max_latency_ms: float | None = Field(
        default=None, gt=0, description="Only models of whose answers 95 of 100 begin within so many milliseconds."
    )
    max_cost: float | None = Field(
        default=None,
        gt=0,
        le=MOST_USD,
        description="Only models whose answer is estimated to cost no more than that, in US dollars.",
    )

    def wishes(self) -> Wishes:
        return Wishes(
            optimize_for=self.optimize_for,
            min_quality=self.min_quality,
            max_latency_ms=self.max_latency_ms,
            max_cost_nano_usd=None if self.max_cost is None else round(self.max_cost * 1e9),
        )


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    aliases: dict[str, Alias] = Field(
        default={"auto": Alias()},
        min_length=1,
        description="Which aliases are routed, and how. The first is the one of /v1/smart/completions.",
    )
    shadow_rate: Share = Field(
        default=0.01,
        description="Share of the calls that are answered by another model too, after the client has its answer, to "
        "learn how the two compare. These calls are paid for and in the ledger, with the tag router=shadow.",
    )
    judge: str | None = Field(
        default=None,
        description="A model that says which of two answers is better where they cannot be compared exactly. Without "
        "one only answers that end in a number, a letter or JSON are compared.",
    )
    confidence: float = Field(
        default=0.7,
        ge=0.5,
        lt=1,
        description="How sure it must be that a model keeps min_quality before it is taken instead of the default.",
    )
    min_labels: int = Field(
        default=6, ge=0, description="Comparisons with the default that a model needs, for each kind of task."
    )
    quality: dict[str, Share | dict[str, Share]] = Field(
        default={},
        description="Models' quality from 0 to 1, for all kinds of task or for each, where what is published of them "
        "is not what you know.",
    )
    learn_from_prompts: bool = Field(
        default=False,
        description="Keep the hashed words of prompts that were compared, and learn from some hundred of them on what "
        "single prompts need. Texts are not kept.",
    )
    pin_seconds: float = Field(
        default=3600, ge=0, description="How long a conversation stays with its model after its last turn."
    )

    @model_validator(mode="after")
    def _tasks_are_known(self) -> Config:
        for model, given in self.quality.items():
            unknown = [task for task in given if task not in TASK_TYPES] if isinstance(given, dict) else []
            if unknown:
                raise ValueError(
                    f"quality.{model}: {unknown[0]!r} is no kind of task; they are {', '.join(TASK_TYPES)}"
                )
        return self

    def stated(self, model: str, task: str) -> float | None:
        """The quality that the operator has stated."""
        given: Any = self.quality.get(model)
        return given.get(task) if isinstance(given, dict) else given
