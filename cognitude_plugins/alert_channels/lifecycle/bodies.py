"""What the endpoints of alerts and silences take and answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hooks import Severity

from ..channels.bodies import moment
from ..rules.durations import Duration, between
from ..rules.settings import Text
from .listing import Listed
from .silence import Silence
from .standing import State

_STRICT: Final = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
_LONGEST: Final = timedelta(days=366)

Note = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")]
Id = Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z0-9._:@/-]*$")]
Length = Annotated[Duration, between(timedelta(minutes=1), _LONGEST)]


def _no_number(value: Any) -> Any:
    """Seconds since 1970, which pydantic takes, are in no schema."""
    text = str(value)
    if isinstance(value, (int, float)) or text.strip().replace(".", "", 1).lstrip("+-").isdigit():
        raise ValueError(f"a time is written as in 2026-11-30T12:00:00Z, not {text[:40]}")
    return value


_TIME = Annotated[AwareDatetime, BeforeValidator(_no_number)]
Moment = Annotated[_TIME, Field(gt=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC))]


class AlertQuery(BaseModel):
    """The query of the list of alerts."""

    model_config = _STRICT

    state: Literal["open", "pending", "firing", "acknowledged", "resolved"] | None = Field(
        default=None, description="Those in this state; open is all but resolved."
    )
    severity: Severity | None = Field(default=None, description="Those of this severity.")
    rule: Text | None = Field(default=None, description="Those of the rule with this id.")
    since: Moment | None = Field(default=None, description="Those that began at this time or later.")
    limit: int = Field(default=100, ge=1, le=1000, description="How many alerts at most.")
    after: Id = Field(default="", description="Go on after this id: what `next` of the page before was.")


class NoteBody(BaseModel):
    model_config = _STRICT

    note: Note | None = Field(default=None, description="For its history.")


class _Until(BaseModel):
    model_config = _STRICT

    until: Moment | None = Field(default=None, description="When the silence ends; or say for how long.")
    length: Length | None = Field(default=None, alias="for", description="How long it lasts, as in 2h, 1d.")
    comment: Note | None = Field(default=None, description="What it is for.")

    @model_validator(mode="after")
    def _one_end(self) -> Any:
        if (self.until is None) == (self.length is None):
            raise ValueError("a silence has either until or for")
        return self

    def end(self, start: datetime) -> datetime:
        """Raises ``ValueError`` for one that is not after the start, or a long way off."""
        end = self.until or start + (self.length or timedelta())
        if not start < end <= start + _LONGEST:
            raise ValueError("a silence ends after its start, and at most a year later")
        return end


class AlertSilenceBody(_Until):
    """Of one alert, from now on."""


class Matchers(BaseModel):
    """Which alerts: those that have all of these; without any, every alert."""

    model_config = _STRICT

    rule: Text | None = Field(default=None, description="Of rules with this name.")
    severity: Severity | None = Field(default=None, description="Of this severity.")
    model: Text | None = Field(default=None, description="Of rules that watch this model.")
    provider: Text | None = Field(default=None, description="Of rules that watch this provider.")
    key: Text | None = Field(default=None, description="Of rules that watch the key with this id.")
    tag: Text | None = Field(default=None, description="Of rules that watch this tag, as name=value.")
    alert: Text | None = Field(default=None, description="The alert with this id.")


class NewSilence(_Until):
    """Alerts that are told to nobody for a while."""

    matchers: Matchers = Field(description="Which alerts.")
    start: Moment | None = Field(default=None, alias="from", description="When it begins; now by default.")


class SilenceBody(BaseModel):
    object: Literal["alert_silence"] = "alert_silence"
    id: str
    organization: str = Field(description="* of one over the alerts of every organization.")
    matchers: dict[str, str]
    start: str = Field(alias="from")
    until: str
    by: str | None = Field(description="The key or user that made it.")
    comment: str | None
    created_at: str

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class SilenceList(BaseModel):
    object: Literal["list"] = "list"
    data: list[SilenceBody]


class SilenceDeleted(BaseModel):
    object: Literal["alert_silence.deleted"] = "alert_silence.deleted"
    id: str
    deleted: Literal[True] = True


class AlertBody(BaseModel):
    object: Literal["alert"] = "alert"
    id: str
    organization: str
    rule: str = Field(description="The rule's id.")
    name: str = Field(description="The rule's name.")
    subject: str = Field(description="What of the rule: of an slo, which windows.")
    state: State
    severity: Severity
    title: str
    value: float | None
    threshold: float | None
    labels: dict[str, str]
    facts: dict[str, str]
    window: str | None = Field(description="The calendar's period that it is of.")
    began_at: str = Field(description="When the rule was first seen broken.")
    fired_at: str | None
    acknowledged_at: str | None
    acknowledged_by: str | None
    resolved_at: str | None
    told: int = Field(description="How often a channel was told that it fires, at most.")
    told_at: str | None
    updated_at: str


class EventBody(BaseModel):
    kind: str = Field(description="pending, firing, raised, acknowledged, resolved, told_firing, told_resolved.")
    at: str
    by: str | None
    note: str | None = Field(description="Of what was told: the channel.")
    value: float | None


class AlertDetail(AlertBody):
    history: list[EventBody]


class AlertList(BaseModel):
    object: Literal["list"] = "list"
    data: list[AlertBody]
    has_more: bool
    next: str | None = Field(description="What to send as `after` for the next page.")


def alert_body(one: Listed) -> AlertBody:
    return AlertBody(**_values(one))


def alert_detail(one: Listed, history: Iterable[Mapping[str, Any]]) -> AlertDetail:
    events = [
        EventBody(
            kind=event["kind"], at=moment(event["at_ms"]), by=event["by"], note=event["note"], value=event["value"]
        )
        for event in history
    ]
    return AlertDetail(**_values(one), history=events)


def silence_body(one: Silence) -> SilenceBody:
    return SilenceBody.model_validate(
        {
            "id": one.id,
            "organization": one.organization,
            "matchers": dict(one.matchers),
            "start": moment(one.from_ms),
            "until": moment(one.until_ms),
            "by": one.by,
            "comment": one.comment,
            "created_at": moment(one.created_ms),
        }
    )


def _values(one: Listed) -> dict[str, Any]:
    alert = one.alert
    same = ("id", "organization", "rule", "name", "subject", "state", "severity", "title", "value", "threshold")
    return {
        **{name: getattr(alert, name) for name in same},
        "labels": dict(alert.labels),
        "facts": dict(alert.facts),
        "window": alert.window or None,
        "began_at": moment(alert.pending_ms),
        "fired_at": _moment(alert.fired_ms),
        "acknowledged_at": _moment(alert.acknowledged_ms),
        "acknowledged_by": alert.acknowledged_by,
        "resolved_at": _moment(alert.resolved_ms),
        "told": alert.told,
        "told_at": _moment(alert.told_ms),
        "updated_at": moment(one.updated_ms),
    }


def _moment(ms: int | None) -> str | None:
    return None if ms is None else moment(ms)
