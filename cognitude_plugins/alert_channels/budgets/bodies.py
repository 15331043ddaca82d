"""What the endpoints of budgets take and answer."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from hooks import Severity

from .owned import By
from .settings import Budget, Channels, Name, Per, Scope, Thresholds
from .standing import State

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)


class NewBudget(Budget):
    """A budget to be set."""


class BudgetChange(BaseModel):
    """What is not in it stays. Whose spending of which time counts cannot be changed: that is another budget."""

    model_config = _STRICT

    name: Name | None = Field(default=None, description="Another name.")
    amount_usd: Decimal | None = Field(default=None, gt=0, description="US dollars, to the billionth.")
    thresholds: Thresholds | None = Field(
        default=None, description="Per cent of the amount at which to alert, each a number or {percent, severity}."
    )
    forecast: bool | None = Field(default=None, description="Alert when it is forecast to be exceeded.")
    hard: bool | None = Field(default=None, description="Refuse calls that would exceed it.")
    status: Literal[402, 429] | None = Field(default=None, description="Of those refusals.")
    channels: Channels | None = Field(default=None, description="Names of the channels to alert; empty for all.")
    enabled: bool | None = Field(default=None, description="Whether it alerts and refuses.")

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class Nothing(BaseModel):
    model_config = _STRICT


class ThresholdBody(BaseModel):
    percent: float
    severity: Severity


class StandingBody(BaseModel):
    period: str = Field(description="2026-11-29, 2026-W48, 2026-11 or since 2026-11-01.")
    period_start: datetime
    period_end: datetime | None = Field(description="null of a total.")
    time_zone: str
    spent_usd: str | None = Field(description="null where the ledger cannot say; unanswerable says why.")
    left_usd: str | None
    percent: float | None = Field(description="Of the amount, cut to a tenth.")
    forecast_usd: str | None = Field(description="At the end of the period; null while there is too little to go by.")
    exhausted_on: date | None = Field(description="The day on which it is forecast to be used up, in this period.")
    state: State
    unanswerable: str | None


class BudgetBody(BaseModel):
    object: Literal["budget"] = "budget"
    id: str
    organization: str = Field(description="Whose it is; * is each organization apart.")
    of: str | None = Field(description="The organization whose standing this is; null where none was named.")
    name: str
    amount_usd: str
    per: Per
    since: date | None
    scope: Scope
    value: str
    thresholds: list[ThresholdBody]
    forecast: bool
    hard: bool
    status: Literal[402, 429]
    channels: list[str]
    enabled: bool
    by: By = Field(description="Who set it: plugins.yaml, a gateway admin, or the organization itself.")
    writable: bool = Field(description="Whether the key with which was asked may change it.")
    created_at: str | None
    updated_at: str | None
    standing: StandingBody | None = Field(description="null for one of each organization apart, if none was named.")
    warning: str | None = Field(description="What is missing for it to be held to, or told of.")


class AlertBody(BaseModel):
    id: str
    threshold: str = Field(description="Its percent, or forecast.")
    state: Literal["pending", "firing", "acknowledged", "resolved"]
    severity: Severity
    title: str
    fired_at: str | None
    resolved_at: str | None


class BudgetDetail(BudgetBody):
    alerts: list[AlertBody] = Field(description="The last 50, the newest first.")


class BudgetList(BaseModel):
    object: Literal["list"] = "list"
    organization: str | None
    data: list[BudgetBody]


class Deleted(BaseModel):
    object: Literal["budget"] = "budget"
    id: str
    deleted: Literal[True] = True
