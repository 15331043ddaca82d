"""What the endpoints of rules take and answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from hooks import Severity

from ..channels.bodies import moment
from ..channels.settings import Name
from .bound import Bound
from .settings import Every, Filters, Operator, Repeat, Rule, Scope, Text, Threshold, Wait, Window
from .slo import Slo

_STRICT: Final = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
_AS_IN_RULE: Final = {name: field.description for name, field in Rule.model_fields.items()}


class RuleChanges(BaseModel):
    """What is left out stays as it is; null is the default."""

    model_config = _STRICT

    name: Name | None = Field(default=None, description=_AS_IN_RULE["name"])
    description: Annotated[str, Field(max_length=1000)] | None = Field(
        default=None, description=_AS_IN_RULE["description"]
    )
    enabled: bool | None = Field(default=None, description=_AS_IN_RULE["enabled"])
    metric: Text | None = Field(default=None, description=_AS_IN_RULE["metric"])
    operator: Operator | None = Field(default=None, description=_AS_IN_RULE["operator"])
    threshold: Threshold | None = Field(default=None, description=_AS_IN_RULE["threshold"])
    window: Window | None = Field(default=None, description=_AS_IN_RULE["window"])
    slo: Slo | None = Field(default=None, description=_AS_IN_RULE["slo"])
    severity: Severity | None = Field(default=None, description=_AS_IN_RULE["severity"])
    filters: Filters | None = Field(default=None, description=_AS_IN_RULE["filters"])
    wait: Wait | None = Field(default=None, alias="for", description=_AS_IN_RULE["wait"])
    every: Every | None = Field(default=None, description=_AS_IN_RULE["every"])
    repeat: Repeat | None = Field(default=None, description=_AS_IN_RULE["repeat"])
    channels: Annotated[tuple[Name, ...], Field(max_length=50)] | None = Field(
        default=None, description=_AS_IN_RULE["channels"]
    )
    resolve: bool | None = Field(default=None, description=_AS_IN_RULE["resolve"])
    scope: Scope | None = Field(default=None, description=_AS_IN_RULE["scope"])
    min_calls: Annotated[int, Field(ge=1, le=10**9)] | None = Field(default=None, description=_AS_IN_RULE["min_calls"])

    def made_to(self, rule: Rule) -> Rule:
        """Raises ``ValidationError``, a ``ValueError``, for what does not fit together."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        kept = {name: getattr(rule, name) for name in rule.model_fields_set if name not in given}
        return Rule.model_validate(
            {name: _plain(value) for name, value in {**kept, **given}.items() if value is not None}
        )


class RuleBody(BaseModel):
    object: Literal["alert_config"] = "alert_config"
    id: str
    organization: str = Field(description="* of the gateway's own, which watch every organization.")
    declared: bool = Field(description="Of plugins.yaml: it can only be changed there.")
    name: str
    description: str
    enabled: bool
    metric: str | None
    operator: Operator
    threshold: float | None
    window: str | None
    slo: dict[str, Any] | None
    severity: Severity
    filters: dict[str, str]
    wait: str = Field(alias="for")
    every: str = Field(description="How often it is looked at.")
    repeat: str | None
    channels: list[str]
    resolve: bool
    scope: Scope
    min_calls: int
    not_known: str | None = Field(description="Why it could not be looked at the last time, here.")
    not_known_since: str | None
    warning: str | None = Field(description="What is missing for somebody to be told.")
    created_at: str | None
    updated_at: str | None

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class RuleList(BaseModel):
    object: Literal["list"] = "list"
    data: list[RuleBody]


class RuleDeleted(BaseModel):
    object: Literal["alert_config.deleted"] = "alert_config.deleted"
    id: str
    deleted: Literal[True] = True


class CheckRequest(BaseModel):
    """Which rules, as of the last full minute: all by default, or some, or one that is not saved."""

    model_config = _STRICT

    rules: Annotated[list[Text], Field(min_length=1, max_length=1000)] | None = Field(
        default=None, description="Ids of rules that watch the organization; by default all that are enabled."
    )
    rule: Rule | None = Field(default=None, description="In place of saved ones: a rule to be tried.")
    apply: bool = Field(
        default=False, description="Also open, tell and resolve alerts, as the evaluation of this minute does."
    )


class NoticeBody(BaseModel):
    channel: str
    kind: Literal["firing", "resolved"]
    title: str = Field(description="Of the alert.")


class Checked(BaseModel):
    rule: str | None = Field(description="Its id; null of one that is not saved.")
    name: str
    organization: str
    subject: str = Field(description="Of an slo, which windows.")
    value: float | None = Field(description="null where it is not known.")
    threshold: float
    broken: bool | None
    title: str
    problem: str | None = Field(description="Why it is not known, where something failed.")
    tells: list[NoticeBody] = Field(description="What is told of it now, or would be.")


class CheckAnswer(BaseModel):
    object: Literal["alert_check"] = "alert_check"
    at: str = Field(description="The end of the windows.")
    applied: bool
    data: list[Checked]


def shown(bound: Bound, every: timedelta, not_known: tuple[str, Any] | None, warning: str | None) -> RuleBody:
    values = bound.rule.model_dump(mode="json", by_alias=False)
    why, since = not_known or (None, None)
    return RuleBody.model_validate(
        {
            **values,
            "every": _length(every),
            "filters": bound.rule.filters.given(),
            "id": bound.id,
            "organization": bound.organization,
            "declared": bound.declared,
            "not_known": why,
            "not_known_since": None if since is None else since.isoformat().replace("+00:00", "Z"),
            "warning": warning,
            "created_at": None if bound.created_ms is None else moment(bound.created_ms),
            "updated_at": None if bound.updated_ms is None else moment(bound.updated_ms),
        }
    )


def _length(every: timedelta) -> str:
    from .durations import shown as length

    return length(every)


def _plain(value: Any) -> Any:
    """Models in models, to be validated again."""
    return value.model_dump() if isinstance(value, BaseModel) else value
