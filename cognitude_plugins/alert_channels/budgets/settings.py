"""What a budget is: the same in ``plugins.yaml`` and in the API."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    field_validator,
    model_validator,
)

from hooks import Severity
from hooks.ceiling import CeilingPeriod, CeilingScope

from ..channels.settings import NAME

Per = CeilingPeriod
Scope = CeilingScope

MOST_USD: Final = Decimal(10**6) * 1000
MOST_HARD_USD: Final = Decimal(10**6)
"""So far the plugin that holds calls to them counts exactly."""
MOST_THRESHOLDS: Final = 10
_FIRST: Final = date(1971, 1, 1)
_LAST: Final = date(9998, 1, 1)
_NANO: Final = Decimal("0.000000001")

Name = Annotated[str, Field(pattern=NAME)]
Value = Annotated[str, Field(max_length=256)]
Channels = Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=16)]


class Threshold(BaseModel):
    """In ``plugins.yaml`` and the API a number alone is one too: from 100 per cent on critical, from 80 a warning."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    percent: Decimal = Field(gt=0, le=1000, decimal_places=2, description="Of the amount.")
    severity: Severity = Field(description="Of the alert.")

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if isinstance(value, (int, float, str, Decimal)) and not isinstance(value, bool):
            return {"percent": value, "severity": _severity(value)}
        if isinstance(value, dict) and "severity" not in value and "percent" in value:
            return {**value, "severity": _severity(value["percent"])}
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """With the number alone."""
        both = handler.resolve_ref_schema(handler(schema))
        return {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1000}, both]}

    @property
    def label(self) -> str:
        """``80``, as it stands in the id of its rule."""
        return f"{self.percent.normalize():f}"


def _severity(percent: Any) -> Severity:
    try:
        much = float(percent)
    except (TypeError, ValueError):
        return "info"
    return "critical" if much >= 100 else "warning" if much >= 80 else "info"


DEFAULT_THRESHOLDS: Final = tuple(
    Threshold(percent=Decimal(percent), severity=_severity(percent)) for percent in (50, 80, 100)
)
Thresholds = Annotated[list[Threshold], Field(max_length=MOST_THRESHOLDS)]


class Budget(BaseModel):
    """An amount of US dollars, and whose spending in which time is held against it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name = Field(description="By which it is known; once in an organization.")
    amount_usd: Decimal = Field(gt=0, description="US dollars, to the billionth.")
    per: Per = Field(
        description="Calendar day, week (from Monday) or month of the organization's time zone; total: all since a day."
    )
    since: Annotated[date, Field(ge=_FIRST, le=_LAST)] | None = Field(
        default=None, description="Of total, the first day that counts; by default the day it was made."
    )
    scope: Scope = Field(default="organization", description="Whose spending: all, or one key's, user's, …")
    value: Value = Field(
        default="", description="The key's id, the user, name=value of a tag, or the provider; not of an organization."
    )
    thresholds: Thresholds = Field(
        default=list(DEFAULT_THRESHOLDS),
        description="Per cent of the amount at which to alert, each a number or {percent, severity}.",
    )
    forecast: bool = Field(default=True, description="Alert when it is forecast to be exceeded.")
    hard: bool = Field(default=False, description="Refuse calls that would exceed it; that needs the limiter.")
    status: Literal[402, 429] = Field(default=402, description="Of those refusals.")
    channels: Channels = Field(default=[], description="Names of the channels to alert; without, all that hear it.")
    enabled: bool = Field(default=True, description="Whether it alerts and refuses.")

    @field_validator("amount_usd")
    @classmethod
    def _amount(cls, value: Decimal) -> Decimal:
        if value > MOST_USD:
            raise ValueError(f"{value:.15g} dollars is more than {MOST_USD}")
        if value != value.quantize(_NANO):
            raise ValueError("it has more than nine decimal places")
        return value

    @field_validator("thresholds")
    @classmethod
    def _ordered(cls, value: list[Threshold]) -> list[Threshold]:
        ordered = sorted(value, key=lambda one: one.percent)
        if len({one.percent for one in ordered}) < len(ordered):
            raise ValueError("two thresholds have the same percent")
        return ordered

    @model_validator(mode="after")
    def _sensible(self) -> Budget:
        if self.scope == "organization" and self.value:
            raise ValueError("scope organization has no value")
        if self.scope != "organization" and not self.value:
            raise ValueError(f"scope {self.scope} needs a value: which {self.scope} is it?")
        if self.scope == "tag" and self.value.find("=") < 1:
            raise ValueError(f"a tag's value is name=value, not {self.value!r}")
        if "\x00" in self.value:
            raise ValueError("value has a NUL character")
        if self.hard and self.amount_usd > MOST_HARD_USD:
            raise ValueError(f"a hard budget is at most {MOST_HARD_USD} dollars, not {self.amount_usd:.15g}")
        if self.since is not None and self.per != "total":
            raise ValueError(f"since is of per: total, not of per: {self.per}")
        return self

    @property
    def nano_usd(self) -> int:
        return int(self.amount_usd.scaleb(9))


class DeclaredBudget(Budget):
    """One of ``plugins.yaml``."""

    organization: Annotated[str, Field(min_length=1, max_length=128)] = Field(
        description="Whose it is; * is each organization apart."
    )

    @model_validator(mode="after")
    def _dated(self) -> DeclaredBudget:
        if self.per == "total" and self.since is None:
            raise ValueError("per: total needs since here, a day as in 2026-11-30")
        return self


def _consistent(budgets: list[DeclaredBudget]) -> list[DeclaredBudget]:
    seen: set[str] = set()
    for one in budgets:
        if one.name in seen:
            raise ValueError(f"two budgets are called {one.name!r}")
        seen.add(one.name)
    return budgets


DeclaredBudgets = Annotated[list[DeclaredBudget], Field(max_length=1000), AfterValidator(_consistent)]
