"""What an operator writes: rules, experiments, canaries and mirrors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from .expressions import Expression

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Pattern = Annotated[str, Field(min_length=1, max_length=256)]
Weight = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Strategy = Literal[
    "weighted", "round_robin", "least_busy", "latency", "cost", "region", "sticky", "experiment", "canary"
]
Then = Literal["weighted", "round_robin", "least_busy", "latency", "cost"]

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)
_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "weights": ("weighted", "round_robin", "least_busy", "sticky"),
    "measure": ("latency",),
    "tolerance": ("latency",),
    "explore": ("latency",),
    "completion_tokens": ("cost",),
    "regions": ("region",),
    "only": ("region", "experiment"),
    "by": ("sticky",),
    "header": ("sticky",),
    "experiment": ("experiment",),
    "canary": ("canary",),
    "then": ("region", "experiment", "canary"),
}
"""The strategies that an option is for; ``then`` hands some on to the order it names."""
_HANDED_ON: Final = frozenset({"weights", "measure", "tolerance", "explore", "completion_tokens"})
_NEEDED: Final = {"region": "regions", "experiment": "experiment", "canary": "canary"}


class Arm(BaseModel):
    model_config = _STRICT

    name: Name = Field(description="What it is called in the results.")
    weight: Weight = Field(default=1, description="Its part of the users, beside the other arms' weights.")
    model: Pattern | None = Field(default=None, description="The model, all of its deployments; or deployment.")
    deployment: Pattern | None = Field(default=None, description="The id of one deployment, as in gpt-4o#2.")

    @model_validator(mode="after")
    def _one_target(self) -> Arm:
        if (self.model is None) == (self.deployment is None):
            raise ValueError(f"arm {self.name!r} needs a model or a deployment, one of them")
        return self


class Experiment(BaseModel):
    """An A/B test: who calls is put into an arm, always the same one, and what comes of it is counted."""

    model_config = _STRICT

    name: Name = Field(description="What it is called in the results. Another name puts everybody anew.")
    arms: list[Arm] = Field(min_length=2, max_length=16, description="What is compared.")
    control: Name | None = Field(
        default=None, description="The arm the others are compared with; by default the first."
    )
    by: Literal["user", "key"] = Field(
        default="user", description="Who is put into an arm; a call without a user is its key's."
    )
    salt: str = Field(default="", max_length=64, description="Another salt puts everybody anew.")

    @model_validator(mode="after")
    def _consistent(self) -> Experiment:
        names = [arm.name for arm in self.arms]
        _distinct("arm", names)
        if self.control is not None and self.control not in names:
            raise ValueError(f"control {self.control!r} is no arm: they are {', '.join(names)}")
        return self


class Step(BaseModel):
    model_config = _STRICT

    share: Share = Field(description="The part of the calls that goes to the canary, 0 to 1.")
    hours: float | None = Field(
        default=None, gt=0, le=100_000, allow_inf_nan=False, description="For how long; not of the last step."
    )


class Canary(BaseModel):
    """A deployment that is given a growing share of the calls, and none once it fails too often."""

    model_config = _STRICT

    deployment: Pattern = Field(description="The id of the new deployment, as in gpt-4o#2.")
    steps: list[Step] = Field(min_length=1, max_length=100, description="The shares, one after the other, growing.")
    start: AwareDatetime | None = Field(
        default=None, description="When the first step begins, with its time zone; needed when there are several."
    )
    by: Literal["user", "call"] = Field(
        default="user", description="Whether a user stays with the canary, or each call is drawn for itself."
    )
    max_error_rate: Share = Field(
        default=0.1, description="With more errors than this, 0 to 1, the canary gets no more calls."
    )
    min_calls: int = Field(default=20, ge=1, le=1_000_000, description="Calls before its error rate is judged.")

    @model_validator(mode="after")
    def _ramp(self) -> Canary:
        for before, after in zip(self.steps, self.steps[1:], strict=False):
            if after.share < before.share:
                raise ValueError(f"the shares can only grow: {after.share:g} comes after {before.share:g}")
        if any(step.hours is None for step in self.steps[:-1]):
            raise ValueError("every step but the last needs hours: for how long it is")
        if len(self.steps) > 1 and self.start is None:
            raise ValueError("a canary of several steps needs its start, which is the same for all workers")
        return self


class Rule(BaseModel):
    """How the deployments of some models are ordered. The first rule that matches a call decides."""

    model_config = _STRICT

    models: list[Pattern] | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="Calls that ask for these models, * standing for anything; all without it.",
    )
    when: str | None = Field(
        default=None, description="A condition in CEL over call, caller, tags, time and headers: tags.team == 'search'."
    )
    strategy: Strategy = Field(description="What decides which deployment is first. See the plugin's README.")
    across: bool = Field(
        default=False, description="Order the deployments of different models together, not within each model."
    )
    weights: dict[Pattern, Weight] = Field(
        default={}, description="Weights by deployment id; without, info.weight of the model's entry, else 1."
    )
    measure: Literal["ewma", "p95", "peak_ewma"] = Field(
        default="peak_ewma", description="Of latency: the mean, the 95th percentile, or the peak times calls under way."
    )
    tolerance: float = Field(
        default=0.4,
        ge=0,
        le=10,
        allow_inf_nan=False,
        description="Of ewma and p95: so much slower than the fastest counts as equally fast.",
    )
    explore: float = Field(
        default=0.02, ge=0, le=0.5, allow_inf_nan=False, description="Share of calls for others than the fastest."
    )
    completion_tokens: int = Field(
        default=256, ge=0, le=1_000_000, description="Of cost: tokens of a typical answer; max_tokens if that is lower."
    )
    regions: list[str] | None = Field(
        default=None, min_length=1, max_length=64, description="Of region: values of info.region, preferred first."
    )
    only: bool = Field(default=False, description="Use no deployment outside the regions, or outside the user's arm.")
    by: Literal["user", "conversation", "key", "header"] = Field(
        default="user", description="Of sticky: whose calls go to the same deployment."
    )
    header: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9-]{1,64}$", description="Of sticky by header: the request header."
    )
    experiment: Experiment | None = Field(default=None, description="Of experiment: what is compared.")
    canary: Canary | None = Field(default=None, description="Of canary: the new deployment and its ramp.")
    then: Then = Field(default="least_busy", description="How what region, arm or canary leave open is ordered.")

    @field_validator("when")
    @classmethod
    def _compiles(cls, when: str | None) -> str | None:
        if when is not None:
            Expression(when)
        return when

    @model_validator(mode="after")
    def _fitting(self) -> Rule:
        for option in sorted(self.model_fields_set & _OPTIONS.keys()):
            fitting = _OPTIONS[option]
            handed_on = option in _HANDED_ON and self.strategy in _OPTIONS["then"] and self.then in fitting
            if self.strategy not in fitting and not handed_on:
                raise ValueError(f"{option} is for strategy: {' or '.join(fitting)}, not {self.strategy}")
        needed = _NEEDED.get(self.strategy)
        if needed is not None and getattr(self, needed) is None:
            raise ValueError(f"strategy: {self.strategy} needs {needed}")
        if (self.by == "header") != (self.header is not None):
            raise ValueError("by: header and the name of the header belong together")
        return self


class Mirror(BaseModel):
    """A copy of a share of the calls to another model, after the client has its answer."""

    model_config = _STRICT

    name: Name = Field(description="The value of the tag mirror of its calls in the ledger.")
    models: list[Pattern] | None = Field(
        default=None, min_length=1, max_length=64, description="Calls that ask for these models; all without it."
    )
    when: str | None = Field(default=None, description="A condition in CEL, as of a rule.")
    to: Pattern = Field(description="The model the copy asks for.")
    share: Share = Field(description="The part of the calls that is copied, 0 to 1.")
    at_once: int = Field(default=8, ge=1, le=1000, description="Copies under way; further ones are left out.")

    @field_validator("when")
    @classmethod
    def _compiles(cls, when: str | None) -> str | None:
        if when is not None:
            Expression(when)
        return when


class Config(BaseModel):
    model_config = _STRICT

    rules: list[Rule] = Field(
        default=[Rule(strategy="least_busy")],
        max_length=256,
        description="The first whose models and when match a call decides. Without any: least_busy for all models.",
    )
    mirrors: list[Mirror] = Field(default=[], max_length=64, description="The first that matches a call may copy it.")
    tags_header: str = Field(
        default="x-cognitude-tags",
        pattern=r"^[A-Za-z0-9-]{1,64}$",
        description="The request header with the call's tags, as gateway.ledger.tags_header says.",
    )
    flush_seconds: float = Field(
        default=5, ge=0.1, le=300, description="How often what experiments counted goes into the database."
    )
    keep_days: int = Field(
        default=90, ge=1, le=3650, description="Days after a user's last call that its part in an experiment is kept."
    )

    @model_validator(mode="after")
    def _names(self) -> Config:
        _distinct("experiment", [one.experiment.name for one in self.rules if one.experiment is not None])
        _distinct("mirror", [one.name for one in self.mirrors])
        return self


def _distinct(what: str, names: Sequence[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f"there are {count} {what}s called {name!r}")
