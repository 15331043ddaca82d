"""What an operator writes of a channel: what every type has, and beside it what its own type wants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from hooks import EVERY_ORGANIZATION, Severity

from .kinds import field_names, kind
from .target import Group, QuietHours, Target

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)

NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
Name = Annotated[str, Field(pattern=NAME)]
Summary = Literal["daily", "weekly"]


class QuietHoursSettings(BaseModel):
    """By the clock of the organization's time zone; over midnight where ``end`` is earlier."""

    model_config = _STRICT

    start: time = Field(description="From when on what is less than critical waits, as in 22:00.")
    end: time = Field(description="Until when, as in 07:00.")


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


def parted(values: Mapping[str, Any]) -> tuple[Declaration, BaseModel]:
    """What every channel has, and the settings of its type. Raises ``ValidationError`` with all that is wrong."""
    common = {name: value for name, value in values.items() if name in _OWN}
    rest = {name: _plain(value) for name, value in values.items() if name not in _OWN}
    found = Declaration.model_validate({name: _plain(value) for name, value in common.items()})
    return found, own_settings(found.type, rest)


def own_settings(type: str, values: Mapping[str, Any]) -> BaseModel:
    """The settings of a type. Raises ``ValidationError``, which has no value in it."""
    try:
        config = kind(type).Config
    except ValueError as error:
        raise _wrong("type", str(error)) from None
    known = field_names(config)
    taken = _OWN & known
    if taken:
        raise _wrong("type", f"the type of channel {type!r} has a setting {min(taken)!r}, as every channel has")
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.6)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise _wrong(name[:80], f"a channel of type {type!r} has no such setting{hint}")
    return config.model_validate(values)


def _wrong(name: str, rule: str) -> ValidationError:
    # Of a custom error the text is no template: it may have braces in it.
    error = PydanticCustomError("channel", "{rule}", {"rule": rule})
    return ValidationError.from_exception_data("channel", [InitErrorDetails(type=error, loc=(name,), input=None)])


def _checked(value: Any) -> Any:
    """All texts of a channel made unreadable: which of them are secret only its type knows."""
    if not isinstance(value, Mapping):
        raise PydanticCustomError("dict_type", "must be a mapping")
    parted(value)
    return hidden(value)


def hidden(value: Any) -> Any:
    if isinstance(value, str):
        return SecretStr(value)
    if isinstance(value, Mapping):
        return {name: hidden(one) for name, one in value.items()}
    return [hidden(one) for one in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


_Deep = Mapping[str, SecretStr | Any]
_Declared = Annotated[
    Mapping[str, SecretStr | _Deep | list[SecretStr | _Deep] | Any],
    BeforeValidator(_checked),
    WithJsonSchema(
        {"type": "object", "properties": {"type": {"type": "string"}}, "required": ["type"], "title": "Channel"}
    ),
]

Channels = Mapping[Name, _Declared]
"""By name: `parted` says what each of them is."""
