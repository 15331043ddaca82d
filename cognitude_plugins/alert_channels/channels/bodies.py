"""What the endpoints of channels take and answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from hooks import Severity

from .directory import DECLARED, Known
from .forms import without_secrets
from .settings import Name, QuietHoursSettings, Summary, Wants
from .target import Group

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)
_SETTINGS: Final = "What its type wants."

TypeName = Annotated[str, Field(min_length=1, max_length=64)]
SettingName = Annotated[str, Field(min_length=1, max_length=64)]


class NewChannel(Wants):
    """The settings are those that a channel of plugins.yaml has beside its type."""

    name: Name = Field(description="Rules name it by this.")
    type: TypeName = Field(description="slack, email, webhook, pagerduty, template, or another that is installed.")
    settings: dict[SettingName, Any] = Field(default={}, max_length=64, description=_SETTINGS)
    enabled: bool = Field(default=True, description="Whether anything is sent to it.")


class ChannelChanges(BaseModel):
    """What is left out stays as it is."""

    model_config = _STRICT

    name: Name = Field(default="", description="Rules name it by this.")
    settings: dict[SettingName, Any] = Field(
        default={}, max_length=64, description=f"{_SETTINGS} Those left out, and secrets sent back masked, stay."
    )
    enabled: bool = Field(
        default=True, description="Whether anything is sent to it; true also where its receiver wanted no more."
    )
    min_severity: Severity = Field(default="info", description="Nothing below this is sent here.")
    group: Group = Field(default="rule", description="Which alerts of one evaluation come in one message.")
    summaries: list[Summary] = Field(default=[], max_length=2, description="The summaries that are sent here.")
    quiet_hours: QuietHoursSettings | None = Field(
        default=None, description="When nothing but what is critical is sent here; null for never."
    )


class Rotation(BaseModel):
    model_config = _STRICT

    overlap_hours: float = Field(
        default=24, ge=0, le=24 * 30, description="How long messages are signed with the old secret too."
    )


class Nothing(BaseModel):
    model_config = _STRICT


class ChannelBody(BaseModel):
    object: Literal["alert_channel"] = "alert_channel"
    id: str
    organization: str = Field(description="* of the gateway's own, which hear of every organization.")
    name: str
    type: str
    settings: dict[str, Any] = Field(description="Secrets are masked.")
    enabled: bool
    declared: bool = Field(description="Of plugins.yaml: it can only be changed there.")
    usable: bool = Field(description="Whether anything is sent to it.")
    problem: str | None = Field(description="Why it cannot be used: its settings are wrong, or cannot be opened.")
    gone: str | None = Field(description="What its receiver said when it wanted no more; it is switched off since.")
    min_severity: Severity
    group: Group
    summaries: list[Summary]
    quiet_hours: QuietHoursSettings | None
    created_at: str | None
    updated_at: str | None


class MadeChannel(ChannelBody):
    made: dict[str, str] = Field(description="Secrets that were made for it. They are not shown again.")


class ChannelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ChannelBody]


class ChannelDeleted(BaseModel):
    object: Literal["alert_channel.deleted"] = "alert_channel.deleted"
    id: str
    deleted: Literal[True] = True


def shown(known: Known) -> ChannelBody:
    return ChannelBody(**_values(known))


def made(known: Known, secrets: dict[str, str]) -> MadeChannel:
    return MadeChannel(**_values(known), made=secrets)


def moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _values(known: Known) -> dict[str, Any]:
    row, wants = known.row, known.wants
    return {
        "id": known.id,
        "organization": known.target.organization,
        "name": known.target.name,
        "type": known.type,
        "settings": {} if known.settings is None else without_secrets(known.settings),
        "enabled": known.enabled,
        "declared": known.id.startswith(DECLARED),
        "usable": known.usable,
        "problem": known.problem,
        "gone": known.gone,
        "min_severity": wants.min_severity,
        "group": wants.group,
        "summaries": wants.summaries,
        "quiet_hours": wants.quiet_hours,
        "created_at": None if row is None else moment(row.created_ms),
        "updated_at": None if row is None else moment(row.updated_ms),
    }
