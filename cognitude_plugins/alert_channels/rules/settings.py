"""What a rule is, in plugins.yaml and in the API alike."""

from __future__ import annotations

from datetime import timedelta
from math import isfinite
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from hooks import EVERY_ORGANIZATION, Severity

from ..channels.settings import NAME
from .durations import Duration, between
from .metrics import BUILT_IN
from .slo import Slo

Operator = Literal[">", "<", ">=", "<=", "==", "!="]
Scope = Literal["each", "all"]

DEFAULT_WINDOW: Final = timedelta(minutes=5)
MOST_RULES: Final = 1000
"""Of one organization."""

_MINUTE: Final = timedelta(minutes=1)
_STRICT: Final = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable")
    return text


Text = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_printable)]
Name = Annotated[str, Field(pattern=NAME)]
Window = Annotated[Duration, between(_MINUTE, timedelta(days=31))]
Wait = Annotated[Duration, between(timedelta(0), timedelta(days=7))]
Every = Annotated[Duration, between(_MINUTE, timedelta(days=1))]
Repeat = Annotated[Duration, between(_MINUTE, timedelta(days=31))]


def _finite(value: float) -> float:
    if not isfinite(value):
        raise ValueError("must be a finite number")
    return value


Threshold = Annotated[float, AfterValidator(_finite)]


def _pair(text: str) -> str:
    if text.find("=") < 1:
        raise ValueError("must be name=value")
    return text


class Filters(BaseModel):
    """Which calls are watched: those that have all of these."""

    model_config = _STRICT

    model: Text | None = Field(default=None, description="Calls that this model answered.")
    provider: Text | None = Field(default=None, description="Calls that this provider answered.")
    key: Text | None = Field(default=None, description="Calls of the key with this id.")
    tag: Annotated[Text, AfterValidator(_pair)] | None = Field(
        default=None, description="Calls with this tag, as name=value."
    )

    @model_validator(mode="after")
    def _sums_exist(self) -> Filters:
        if self.key is not None and self.tag is not None:
            raise ValueError("key and tag together cannot be watched: the ledger has no sums of both")
        return self

    def given(self) -> dict[str, str]:
        return self.model_dump(exclude_none=True)


class Rule(BaseModel):
    """Either ``metric`` with ``threshold``, or ``slo``."""

    model_config = _STRICT

    name: Name = Field(description="Unique among the rules of its organization.")
    description: Annotated[str, Field(max_length=1000)] = Field(default="", description="What to do about it.")
    enabled: bool = Field(default=True, description="Whether it is looked at.")
    metric: Text | None = Field(
        default=None,
        description=f"What is watched: {', '.join(BUILT_IN)}, or a metric of another plugin.",
    )
    operator: Operator = Field(default=">", description="How the metric stands to the threshold when it is broken.")
    threshold: Threshold | None = Field(
        default=None, description="In the metric's unit: shares in 0 … 1, seconds, US dollars, calls per minute."
    )
    window: Window | None = Field(
        default=None,
        description="Of how long a time, in whole minutes, as in 5m, 1h, 7d; 5m by default. Not of daily_cost, "
        "weekly_cost and monthly_cost, which are of the calendar in the organization's time zone.",
    )
    slo: Slo | None = Field(default=None, description="In place of a metric: an objective, and how fast it is missed.")
    severity: Severity = Field(default="warning", description="How bad it is; an slo's windows have their own.")
    filters: Filters = Field(default=Filters(), description="Which calls are watched.")
    wait: Wait = Field(default=timedelta(0), alias="for", description="How long it must be broken before it fires.")
    every: Every | None = Field(
        default=None, description="How often it is looked at: each minute by default, hourly where it is of costs."
    )
    repeat: Repeat | None = Field(
        default=None, description="After how long it is told again while it fires; never by default."
    )
    channels: tuple[Name, ...] = Field(
        default=(), max_length=50, description="Who is told, by name; by default every channel that wants to hear it."
    )
    resolve: bool = Field(default=True, description="Whether it resolves by itself.")
    scope: Scope = Field(
        default="each", description="Of a rule for every organization: each is watched apart, or all together."
    )
    min_calls: Annotated[int, Field(ge=1, le=10**9)] = Field(
        default=1, description="With fewer calls in the window, shares and latencies are not known."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Rule:
        if (self.metric is None) == (self.slo is None):
            raise ValueError("a rule has either metric or slo")
        if (self.threshold is None) == (self.metric is not None):
            raise ValueError("threshold is of a metric, which must have one")
        figure = BUILT_IN.get(self.metric or "")
        if self.window is not None and (self.slo is not None or (figure is not None and figure.period)):
            raise ValueError(f"{self.metric or 'slo'} has no window: it has its own")
        if figure is not None and figure.unit == "share" and not 0 <= (self.threshold or 0) <= 1:
            raise ValueError(f"{self.metric} is a share from 0 to 1: 5 % is 0.05, and {self.threshold:g} never is")
        return self


class DeclaredRule(Rule):
    """A rule of plugins.yaml."""

    organization: Annotated[str, Field(min_length=1, max_length=128)] = Field(
        default=EVERY_ORGANIZATION, description="Whose calls are watched; * is every organization's."
    )

    @model_validator(mode="after")
    def _of_all(self) -> DeclaredRule:
        if self.scope == "all" and self.organization != EVERY_ORGANIZATION:
            raise ValueError(f"scope all is for every organization, not for {self.organization!r}")
        return self

    @property
    def rule(self) -> Rule:
        return Rule.model_validate(self.model_dump(exclude={"organization"}, exclude_unset=True))


def no_two_alike(rules: tuple[DeclaredRule, ...]) -> tuple[DeclaredRule, ...]:
    """Raises ``ValueError``: names are ids."""
    seen: set[str] = set()
    for one in rules:
        if one.name in seen:
            raise ValueError(f"two rules are named {one.name!r}")
        seen.add(one.name)
    return rules


DeclaredRules = Annotated[tuple[DeclaredRule, ...], Field(max_length=MOST_RULES), AfterValidator(no_two_alike)]
