"""What an operator writes of a channel: what every type has, and beside it what its own type wants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    create_model,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from hooks import EVERY_ORGANIZATION, Severity

from .forms import with_secrets, without_secrets
from .kinds import field_names, installed, kind
from .target import Group, QuietHours, Target

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)

NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
Name = Annotated[str, Field(pattern=NAME)]
Summary = Literal["daily", "weekly"]


def _local(clock: time) -> time:
    if clock.tzinfo is not None:
        raise ValueError("is by the organization's clock, without a zone of its own")
    return clock


Clock = Annotated[time, AfterValidator(_local)]


class QuietHoursSettings(BaseModel):
    """By the clock of the organization's time zone; over midnight where ``end`` is earlier."""

    model_config = _STRICT

    start: Clock = Field(description="From when on what is less than critical waits, as in 22:00.")
    end: Clock = Field(description="Until when, as in 07:00.")


class Wants(BaseModel):
    """What a channel of any type wants to be told."""

    model_config = _STRICT

    min_severity: Severity = Field(default="info", description="Nothing below this is sent here.")
    group: Group = Field(
        default="rule",
        description="Which alerts of one evaluation come in one message: none (each alone), rule (those of one), all.",
    )
    summaries: list[Summary] = Field(default=[], max_length=2, description="The summaries that are sent here.")
    quiet_hours: QuietHoursSettings | None = Field(
        default=None, description="When nothing but what is critical is sent here; the rest comes afterwards."
    )

    def target(self, *, id: str, name: str, organization: str) -> Target:
        quiet = self.quiet_hours
        return Target(
            id=id,
            name=name,
            organization=organization,
            min_severity=self.min_severity,
            group=self.group,
            summaries=frozenset(self.summaries),
            quiet_hours=None if quiet is None else QuietHours(start=quiet.start, end=quiet.end),
        )


class Declaration(Wants):
    """One channel of plugins.yaml, without what is its type's own."""

    type: str = Field(description="The type, an entry point of the group cognitude.channels: slack, email, …")
    organization: Annotated[str, Field(min_length=1, max_length=128)] = Field(
        default=EVERY_ORGANIZATION, description="Whose alerts are sent here; * is everybody's."
    )


_OWN: Final = frozenset(Declaration.model_fields)


def own_settings_of(declaration: Declaration) -> BaseModel:
    """The settings of its type, without what every channel has."""
    return own_settings(declaration.type, _without(with_secrets(declaration, exclude_unset=True)))


def own_settings(type: str, values: Mapping[str, Any]) -> BaseModel:
    """The settings of a type. Raises ``ValidationError``, which has no value in it."""
    try:
        config = kind(type).Config
    except ValueError as error:
        raise _wrong("type", str(error), type) from None
    known = field_names(config)
    taken = _OWN & known
    if taken:
        raise _wrong("type", f"the type of channel {type!r} has a setting {min(taken)!r}, as every channel has", type)
    return config.model_validate(values)


def _wrong(name: str, rule: str, value: object) -> ValidationError:
    error = PydanticCustomError("channel", "{rule}", {"rule": rule})
    return ValidationError.from_exception_data("channel", [InitErrorDetails(type=error, loc=(name,), input=value)])


def _checked(value: Any) -> Declaration:
    """Raises ``ValidationError`` with what is wrong with it, found by its type's own settings."""
    if not isinstance(value, Mapping):
        raise PydanticCustomError("dict_type", "must be a mapping")
    common = Declaration.model_validate({name: one for name, one in value.items() if name in _OWN})
    own_settings(common.type, _without(value))
    return _SHAPES[common.type].model_validate(value)


def _without(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _OWN}


def _shapes() -> dict[str, type[Declaration]]:
    """What a channel looks like, by type: for the schema, and to know which settings are secrets."""
    found: dict[str, type[Declaration]] = {}
    for name in sorted(installed()):
        try:
            config = kind(name).Config
        except ValueError:
            # Told when a channel is of this type.
            continue
        fields: dict[str, Any] = {
            field: (info.annotation, info) for field, info in config.model_fields.items() if field not in _OWN
        }
        fields["type"] = (Literal[name], Declaration.model_fields["type"])
        found[name] = create_model(f"{name.title()}Channel", __base__=Declaration, **fields)
    return found


_SHAPES: Final = _shapes()

if TYPE_CHECKING:
    Channels = dict[str, Declaration]
else:
    _ANY = Union[tuple(_SHAPES.values()) or (Declaration,)]  # noqa: UP007
    _SHOWN = PlainSerializer(without_secrets, return_type=dict[str, Any])
    Channels = dict[Name, Annotated[_ANY, PlainValidator(_checked, json_schema_input_type=_ANY), _SHOWN]]
    """By name, each with what its type wants, too: `own_settings_of`."""
