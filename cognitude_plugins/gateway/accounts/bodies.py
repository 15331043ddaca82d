"""What the account endpoints take: bodies and queries, with every field that can be written and no other."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

from hooks import Role

from ..fields import Identifier
from .keys import LONGEST_OVERLAP_SECONDS, OVERLAP_SECONDS, NewKey
from .times import milliseconds

STRICT: Final = ConfigDict(extra="forbid", frozen=True)
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"


def _time_zone(name: str) -> str:
    if name != "UTC":
        try:
            ZoneInfo(name)
        except (ValueError, ZoneInfoNotFoundError, OSError):
            raise ValueError("must be a time zone of the IANA database, as in Europe/Berlin") from None
    return name


def _trimmed(text: str) -> str:
    if text != text.strip():
        raise ValueError("must not begin or end with a space")
    return text


def _written_out(value: Any) -> Any:
    """A number, also in quotes, would be taken for seconds since 1970, or milliseconds."""
    if isinstance(value, (int, float)) or (isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\d[Tt ]", value)):
        raise ValueError("must be a date and a time with a time zone, as in 2027-01-01T00:00:00Z")
    return value


def _optional(schema: dict[str, Any]) -> None:
    """A field that may be left out of a change; what stands here as its default is never used."""
    schema.pop("default", None)


Name = Annotated[str, Field(min_length=1, max_length=128, pattern=_PRINTABLE), AfterValidator(_trimmed)]
Text = Annotated[str, Field(max_length=256, pattern=_PRINTABLE)]
LabelName = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
Labels = Annotated[dict[LabelName, Text], Field(max_length=64)]
ModelPattern = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\s#\x00-\x1f\x7f]+$")]
Models = Annotated[tuple[ModelPattern, ...], Field(min_length=1, max_length=256)]
TimeZone = Annotated[str, Field(max_length=64), AfterValidator(_time_zone)]
Expiry = Annotated[
    AwareDatetime,
    Field(gt=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC)),
    BeforeValidator(_written_out),
]
Status = Literal["active", "disabled"]

_ROLE: Final = "admin administers the organization, member makes calls and reads, viewer reads."
_MODELS: Final = "Models the key may use, * standing for anything; null for all."
_EXPIRES: Final = "When it ends, with a time zone, as in 2027-01-01T00:00:00Z; null for never."
_USER_ROLE: Final = "The most that keys of this user may do."


class Listing(BaseModel):
    """The query of a list."""

    model_config = STRICT

    limit: int = Field(default=100, ge=1, le=1000, description="How many objects at most.")
    after: str = Field(
        default="",
        max_length=128,
        pattern=r"^[A-Za-z0-9._:@/-]*$",
        description="Go on after this id: what `next` of the page before was.",
    )


class NewOrganization(BaseModel):
    model_config = STRICT

    name: Name = Field(description="For people.")
    id: Identifier | None = Field(
        default=None,
        description="What calls, keys and the ledger name it by, unchangeable; by default made of the name.",
    )
    time_zone: TimeZone = Field(default="UTC", description="In which its days begin, as in Europe/Berlin.")


class OrganizationChange(BaseModel):
    model_config = STRICT

    name: Name = Field(default="-", json_schema_extra=_optional, description="For people.")
    time_zone: TimeZone = Field(default="UTC", json_schema_extra=_optional, description="In which its days begin.")
    status: Status = Field(
        default="active", json_schema_extra=_optional, description="disabled: all of its keys are refused."
    )


class NewUser(BaseModel):
    model_config = STRICT

    name: Name = Field(description="Unique in its organization, unchangeable: the ledger has it.")
    organization: Identifier | None = Field(default=None, description="By default the key's own.")
    role: Role = Field(default="member", description=_USER_ROLE)


class UserChange(BaseModel):
    model_config = STRICT

    role: Role = Field(default="member", json_schema_extra=_optional, description=_USER_ROLE)
    status: Status = Field(
        default="active", json_schema_extra=_optional, description="disabled: all of the user's keys are refused."
    )


class NewKeyBody(BaseModel):
    model_config = STRICT

    organization: Identifier | None = Field(default=None, description="By default that of the key you use.")
    kind: Literal["organization", "gateway_admin"] = Field(
        default="organization",
        description="gateway_admin administers every organization and makes no calls; only its like can make it.",
    )
    role: Role = Field(default="member", description=_ROLE)
    user: Name | None = Field(
        default=None, description="Name of the user it is for: it may do no more than he, and is refused when he is."
    )
    label: Text = Field(default="", description="For people.")
    labels: Labels = Field(default={}, description="For programs.")
    models: Models | None = Field(default=None, description=_MODELS)
    expires_at: Expiry | None = Field(default=None, description=_EXPIRES)


class KeyChange(BaseModel):
    model_config = STRICT

    label: Text = Field(default="", json_schema_extra=_optional, description="For people.")
    labels: Labels = Field(default={}, json_schema_extra=_optional, description="For programs; replaces all of them.")
    role: Role = Field(default="member", json_schema_extra=_optional, description=_ROLE)
    models: Models | None = Field(default=None, json_schema_extra=_optional, description=_MODELS)
    expires_at: Expiry | None = Field(default=None, json_schema_extra=_optional, description=_EXPIRES)


class Rotation(BaseModel):
    model_config = STRICT

    overlap_seconds: StrictInt = Field(
        default=OVERLAP_SECONDS,
        ge=0,
        le=LONGEST_OVERLAP_SECONDS,
        description="How long the present secret works beside the new one.",
    )


def new_key(body: NewKeyBody, organization: str | None) -> NewKey:
    """``organization`` is None for a gateway-admin key."""
    return NewKey(
        organization=organization,
        role=body.role,
        user=body.user,
        label=body.label,
        labels=body.labels,
        models=body.models,
        expires_ms=milliseconds(body.expires_at),
    )
